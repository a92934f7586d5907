"""The pod of one replica: engines, router, broker, and a container for each role. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from hekaton_api.formation import FormationSpec
from hekaton_api.models import LOCAL, ModelSpec
from hekaton_api.roles import Role
from hekaton_operator import names
from hekaton_operator.containers import (
    Container,
    Empty,
    FromConfigMap,
    FromSecret,
    Health,
    HostPath,
    Keys,
    Mount,
    Port,
    Variable,
    Volume,
    pod_security,
    volume,
    written,
)
from hekaton_operator.formation.keys import BROKER, talkers
from hekaton_operator.settings import Images

FILE = "/etc/hekaton/formation/formation.yaml"
KEYS = "/etc/hekaton/keys"
PERMITS = "/etc/hekaton/permits"
BUS_SOCKET = "ipc:///run/hekaton/bus"
ROUTER_URL = f"http://127.0.0.1:{names.ROUTER_PORT}/v1"
WEIGHTS = "/models"
"""Where engines keep what they download."""
FORMATION = Mount("formation", "/etc/hekaton/formation")
RUN = Mount("run", "/run/hekaton", read_only=False)
TMP = Mount("tmp", "/tmp", read_only=False)
CLAIM = "gpus"
"""Name of the claim within the pod."""
HOME = Variable("HOME", "/tmp")


@dataclass(frozen=True, slots=True)
class Team:
    """What the pod of a formation is made of."""

    name: str
    revision: str
    spec: FormationSpec
    images: Images
    """The operator's; the formation's own go first."""
    digest: str
    """Of the keys."""

    @property
    def runtime(self) -> str:
        return self.spec.pod.images.runtime or self.images.runtime

    @property
    def serves(self) -> bool:
        """Whether it has engines of its own."""
        return bool(self.served)

    @property
    def served(self) -> tuple[ModelSpec, ...]:
        """The models of its own engines."""
        return tuple(model for model in self.spec.models if model.engine in LOCAL)

    @property
    def claims(self) -> bool:
        """Whether its engines share a claim instead of a container."""
        return self.serves and self.spec.hardware.device_class is not None


def template(team: Team) -> dict[str, Any]:
    """The pod template of the StatefulSet."""
    pod = team.spec.pod
    policy = team.images.pull_policy
    spec: dict[str, Any] = {
        "automountServiceAccountToken": False,
        "serviceAccountName": team.name,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 30,
        "securityContext": dict(pod_security()),
        "containers": [written(each, policy) for each in containers(team)],
        "volumes": [volume(each) for each in volumes(team)],
    }
    if team.claims:
        spec["resourceClaims"] = [{"name": CLAIM, "resourceClaimTemplateName": team.revision}]
    if selector := {**_machine(team), **pod.node_selector}:
        spec["nodeSelector"] = selector
    if pod.tolerations:
        spec["tolerations"] = [
            each.model_dump(mode="json", by_alias=True, exclude_none=True)
            for each in pod.tolerations
        ]
    if pod.priority_class:
        spec["priorityClassName"] = pod.priority_class
    labels = {**names.formation_labels(team.name), names.REVISION: team.revision}
    return {"metadata": {"labels": labels, "annotations": _annotations(team)}, "spec": spec}


def _machine(team: Team) -> Mapping[str, str]:
    """Grace is arm64, so the engines' image is too; the formation's own selector goes first."""
    grace = team.spec.hardware.profile in ("gh200-96", "gh200-144")
    return {"kubernetes.io/arch": "arm64"} if grace and team.serves else {}


def _annotations(team: Team) -> Mapping[str, str]:
    return {
        names.KEYS: team.digest,
        "prometheus.io/scrape": "true",
        "prometheus.io/port": str(names.ROUTER_HEALTH),
    }


def containers(team: Team) -> tuple[Container, ...]:
    agents = (_agent(team, i, role) for i, role in enumerate(team.spec.roles))
    return (*_serving(team), _router(team), _broker(team), *agents)


def _serving(team: Team) -> tuple[Container, ...]:
    """One container for all engines, or with a claim one for each: the same GPUs either way."""
    if not team.serves:
        return ()
    if not team.claims:
        whole = _engines(team, "engines", names.ENGINES_HEALTH)
        return (replace(whole, gpus=team.spec.hardware.gpu_count),)
    count = len(team.served)
    return tuple(
        replace(
            _engines(team, f"engine-{at}", names.ENGINE_HEALTH + at, "--model", model.name),
            name=names.child_name(f"engine-{model.name}", ""),
            cpu=f"{max(50, 500 // count)}m",  # together what one container for all asks for
            memory=f"{max(128, 1024 // count)}Mi",
            claim=CLAIM,
        )
        for at, model in enumerate(team.served)
    )


def _engines(team: Team, name: str, port: int, *more: str) -> Container:
    host, vllm = team.images.engines_host_path, team.images.vllm
    return Container(
        name=name,
        image=team.spec.pod.images.engines or team.images.engines,
        words=(
            *("hekaton", "engines", "--formation", FILE, "--port-base", str(names.ENGINE_PORT)),
            *("--health-port", str(port), *more),
        ),
        cpu="500m",
        memory="1Gi",
        mounts=(
            FORMATION,
            TMP,
            Mount("models", WEIGHTS, read_only=False),
            Mount("shm", "/dev/shm", read_only=False),
            *((Mount("host", host),) if host else ()),
        ),
        env=(
            HOME,
            Variable("HF_HOME", WEIGHTS),
            *((Variable("HEKATON_VLLM", vllm),) if vllm else ()),
        ),
        ports=(Port(f"{name}-health", port),),
        health=Health(port),
    )


def key_variable(model: str) -> str:
    """The variable that holds a model's API key in the router."""
    return f"HEKATON_KEY_{re.sub('[^A-Z0-9]', '_', model.upper())}"


def _router(team: Team) -> Container:
    held = (
        (model.name, model.credentials.secret_key_ref)
        for model in team.spec.models
        if model.credentials
    )
    keys = (
        Variable(key_variable(name), FromSecret(ref.name, ref.key))
        for name, ref in held
        if ref is not None
    )
    return Container(
        name="router",
        image=team.runtime,
        words=(
            *("hekaton", "router", "--formation", FILE),
            *("--listen", f"127.0.0.1:{names.ROUTER_PORT}", "--permits", f"{PERMITS}/key"),
            *("--health-port", str(names.ROUTER_HEALTH)),
        ),
        cpu="20m",
        memory="96Mi",
        mounts=(FORMATION, TMP, Mount("permits", PERMITS)),
        env=(HOME, *keys),
        ports=(Port("router-health", names.ROUTER_HEALTH),),
        health=Health(names.ROUTER_HEALTH),
    )


def _broker(team: Team) -> Container:
    return Container(
        name="broker",
        image=team.runtime,
        words=(
            *("hekaton", "broker", "--bus", f"tcp://0.0.0.0:{names.BUS_PORT}"),
            *("--bus", BUS_SOCKET, "--control", f"tcp://0.0.0.0:{names.CONTROL_PORT}"),
            *("--keys", KEYS, "--formation", FILE, "--health-port", str(names.BROKER_HEALTH)),
        ),
        cpu="20m",
        memory="64Mi",
        mounts=(FORMATION, RUN, TMP, Mount("keys-broker", KEYS)),
        env=(HOME,),
        ports=(
            Port("bus", names.BUS_PORT),
            Port("control", names.CONTROL_PORT),
            Port("broker-health", names.BROKER_HEALTH),
        ),
        health=Health(names.BROKER_HEALTH),
    )


def _agent(team: Team, at: int, role: Role) -> Container:
    port = names.AGENT_HEALTH + at
    return Container(
        name=names.child_name(f"agent-{role.name}", ""),
        image=team.runtime,
        words=(
            *("hekaton", "agent", "--bus", BUS_SOCKET, "--formation", FILE),
            *("--role", role.name, "--instances", str(role.instances), "--base-url", ROUTER_URL),
            *("--keys", KEYS, "--health-port", str(port)),
        ),
        cpu="10m",
        memory="64Mi",
        mounts=(FORMATION, RUN, TMP, Mount(_keys_volume(at), KEYS)),
        env=(HOME,),
        ports=(Port(f"agent-{at}", port),),
        health=Health(port),
    )


def _keys_volume(at: int) -> str:
    return f"keys-agent-{at}"


def volumes(team: Team) -> Iterator[Volume]:
    """Each container gets its own keys and nobody else's."""
    bus, permits = names.bus_secret(team.name), names.permits_secret(team.name)
    public = tuple(f"{name}.pub" for name in talkers(team.spec))
    yield FromConfigMap("formation", team.revision)
    yield Empty("run", "64Mi")
    yield Empty("tmp")
    yield Keys("permits", (FromSecret(permits, "key"),))
    yield Keys("keys-broker", tuple(FromSecret(bus, key) for key in (f"{BROKER}.key", *public)))
    for at, role in enumerate(team.spec.roles):
        own = (f"{role.name}.key", f"{role.name}.pub", f"{BROKER}.pub")
        yield Keys(_keys_volume(at), tuple(FromSecret(bus, key) for key in own))
    if team.serves:
        yield Empty("models")
        yield Empty("shm", "2Gi")
    if team.serves and team.images.engines_host_path:
        yield HostPath("host", team.images.engines_host_path)
