"""Containers and volumes as small values, and how Kubernetes writes them. Pure.

Every container is restricted: no root, no capabilities, a read-only root, the runtime's seccomp
profile. There is no way to ask for less here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from hekaton_operator.names import USER

GROUP_READS = 0o440


@dataclass(frozen=True, slots=True)
class FromSecret:
    """A variable whose value a Secret holds."""

    secret: str
    key: str


@dataclass(frozen=True, slots=True)
class Variable:
    name: str
    value: str | FromSecret


@dataclass(frozen=True, slots=True)
class Mount:
    volume: str
    path: str
    read_only: bool = True


@dataclass(frozen=True, slots=True)
class Port:
    name: str
    number: int


@dataclass(frozen=True, slots=True)
class Health:
    """Where a container answers /healthz and /readyz, and how long it may take to start."""

    port: int
    starts_within: int = 300
    """Seconds."""


@dataclass(frozen=True, slots=True)
class Container:
    name: str
    image: str
    words: tuple[str, ...]
    """The whole command."""
    cpu: str
    memory: str
    """What it asks the scheduler for."""
    mounts: tuple[Mount, ...] = ()
    env: tuple[Variable, ...] = ()
    env_secret: str = ""
    """Secret whose keys all become variables."""
    ports: tuple[Port, ...] = ()
    health: Health | None = None
    gpus: int = 0
    claim: str = ""
    """Claim of the pod that it may use the devices of."""
    stays: bool = False
    """Whether it starts first and runs beside the others until they have ended."""


@dataclass(frozen=True, slots=True)
class Empty:
    name: str
    in_memory: str = ""
    """Size; empty for a folder on the node's disk."""


@dataclass(frozen=True, slots=True)
class FromConfigMap:
    name: str
    config_map: str


@dataclass(frozen=True, slots=True)
class Keys:
    """Some keys of Secrets in one folder."""

    name: str
    items: tuple[FromSecret, ...]


@dataclass(frozen=True, slots=True)
class Claim:
    name: str
    claim: str
    read_only: bool


@dataclass(frozen=True, slots=True)
class HostPath:
    name: str
    path: str


Volume: TypeAlias = Empty | FromConfigMap | Keys | Claim | HostPath


def written(container: Container, pull_policy: str) -> dict[str, Any]:
    """The container as a pod template holds it."""
    body: dict[str, Any] = {
        "name": container.name,
        "image": container.image,
        "imagePullPolicy": pull_policy,
        "command": list(container.words),
        "resources": _resources(container),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    if container.mounts:
        body["volumeMounts"] = [_mount(each) for each in container.mounts]
    if container.env:
        body["env"] = [_variable(each) for each in container.env]
    if container.env_secret:
        body["envFrom"] = [{"secretRef": {"name": container.env_secret}}]
    if container.ports:
        body["ports"] = [
            {"name": port.name, "containerPort": port.number, "protocol": "TCP"}
            for port in container.ports
        ]
    if container.stays:
        body["restartPolicy"] = "Always"
    if container.health:
        body |= _probes(container.health)
    return body


def _resources(container: Container) -> dict[str, Any]:
    requests = {"cpu": container.cpu, "memory": container.memory}
    if container.claim:
        return {"requests": requests, "claims": [{"name": container.claim}]}
    if not container.gpus:
        return {"requests": requests}
    gpus = {"nvidia.com/gpu": str(container.gpus)}
    return {"requests": {**requests, **gpus}, "limits": gpus}


def _mount(mount: Mount) -> dict[str, Any]:
    body: dict[str, Any] = {"name": mount.volume, "mountPath": mount.path}
    return {**body, "readOnly": True} if mount.read_only else body


def _variable(variable: Variable) -> dict[str, Any]:
    if isinstance(variable.value, str):
        return {"name": variable.name, "value": variable.value}
    reference = {"name": variable.value.secret, "key": variable.value.key}
    return {"name": variable.name, "valueFrom": {"secretKeyRef": reference}}


def _probes(health: Health) -> dict[str, Any]:
    def probe(path: str, period: int, failures: int) -> dict[str, Any]:
        where = {"path": path, "port": health.port, "scheme": "HTTP"}
        return {
            "httpGet": where,
            "periodSeconds": period,
            "timeoutSeconds": 5,
            "failureThreshold": failures,
        }

    return {
        "startupProbe": probe("/healthz", 5, max(1, health.starts_within // 5)),
        "readinessProbe": probe("/readyz", 5, 3),
        "livenessProbe": probe("/healthz", 10, 6),
    }


def volume(each: Volume) -> dict[str, Any]:
    """The volume as a pod template holds it."""
    match each:
        case Empty(name, ""):
            return {"name": name, "emptyDir": {}}
        case Empty(name, size):
            return {"name": name, "emptyDir": {"medium": "Memory", "sizeLimit": size}}
        case FromConfigMap(name, config_map):
            return {"name": name, "configMap": {"name": config_map}}
        case Keys(name, items):
            sources = [
                {"secret": {"name": item.secret, "items": [{"key": item.key, "path": item.key}]}}
                for item in items
            ]
            return {"name": name, "projected": {"defaultMode": GROUP_READS, "sources": sources}}
        case Claim(name, claim, read_only):
            source: dict[str, Any] = {"claimName": claim}
            return {
                "name": name,
                "persistentVolumeClaim": {**source, "readOnly": True} if read_only else source,
            }
        case HostPath(name, path):
            return {"name": name, "hostPath": {"path": path, "type": "Directory"}}


def pod_security(user: int = USER) -> Mapping[str, Any]:
    """What the restricted Pod Security level asks of a pod."""
    return {
        "runAsNonRoot": True,
        "runAsUser": user,
        "runAsGroup": USER,
        "fsGroup": USER,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
