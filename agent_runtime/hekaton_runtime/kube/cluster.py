"""The one door to Kubernetes in the runtime: the user's own kubeconfig, and a handful of requests.

Of what runs in a cluster only the HMA service comes through it, with rights to Missions and nothing else.
"""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NoReturn, Self, TypeVar

import msgspec
from kubernetes.aio import config
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.client.exceptions import ApiException
from kubernetes.aio.config.config_exception import ConfigException
from kubernetes.aio.dynamic.client import DynamicClient

from hekaton_runtime.errors import BadInput, Unavailable
from hekaton_runtime.kube.values import Mission, Pod, Report

T = TypeVar("T")
MANAGER = "hekaton-cli"
"""Who owns the fields of a spec that was submitted."""
SERVICE = "hekaton-service"
"""The same, of the HMA service in a cluster."""
SPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
MISSIONS = "/apis/hekaton.dev/v1alpha1/namespaces/{}/missions"
PLURALS = {"Mission": "missions", "Formation": "formations"}
PATIENCE = 20.0
"""Seconds for one request that is no stream."""
LINE = 1 << 20


class _Listed(msgspec.Struct, frozen=True):
    items: tuple[msgspec.Raw, ...] = ()


class _Refusal(msgspec.Struct, frozen=True):
    message: str = ""


class Cluster:
    """One connection."""

    def __init__(self, dynamic: Any, namespace: str, manager: str = MANAGER) -> None:
        self._dynamic = dynamic
        self._manager = manager
        self.namespace = namespace

    @classmethod
    @contextlib.asynccontextmanager
    async def connect(
        cls, namespace: str, context: str = "", file: Path | None = None, manager: str = MANAGER
    ) -> AsyncIterator[Self]:
        """`namespace`, empty: the context's. `file`, None: as kubectl finds it. `manager`: who owns
        the fields that are applied."""
        settings = Configuration()
        place = str(file) if file else None
        try:
            await config.load_kube_config(place, context or None, settings)
            known, active = config.list_kube_config_contexts(place)
        except (ConfigException, OSError) as fault:
            raise BadInput(
                [f"No cluster: {fault}. Set KUBECONFIG, or name a context by --context."]
            ) from fault
        chosen = next((one for one in known if one["name"] == context), active)
        async with ApiClient(settings) as api:
            api.user_agent = manager
            space = namespace or chosen["context"].get("namespace", "default")
            yield cls(DynamicClient(api), space, manager)

    @classmethod
    @contextlib.asynccontextmanager
    async def inside(cls, namespace: str) -> AsyncIterator[Self]:
        """As the pod that this runs in; `namespace`, empty: the pod's."""
        settings = Configuration()
        try:
            config.load_incluster_config(settings)
            space = namespace or SPACE.read_text().strip()
        except (ConfigException, OSError) as fault:
            raise BadInput(
                [f"No service account of a pod is here: {fault}. Give --context, or run in a pod."]
            ) from fault
        async with ApiClient(settings) as api:
            api.user_agent = SERVICE
            yield cls(DynamicClient(api), space, SERVICE)

    async def apply(self, document: dict[str, Any]) -> None:
        """Create an object, or change the fields that it names."""
        meta = document["metadata"]
        space = meta.setdefault("namespace", self.namespace)
        plural = PLURALS[document["kind"]]
        path = f"/apis/hekaton.dev/v1alpha1/namespaces/{space}/{plural}/{meta['name']}"
        await self._asked(
            "PATCH", path, body=document, field_manager=self._manager, force_conflicts=True,
            content_type="application/apply-patch+yaml",
        )  # fmt: skip

    async def mission(self, name: str) -> Mission:
        """Raises `BadInput` with what there is instead."""
        try:
            body = await self._asked("GET", f"{MISSIONS.format(self.namespace)}/{name}")
        except _Absent as fault:
            there = ", ".join(one.metadata.name for one in (await self.missions())[:10])
            raise BadInput(
                [
                    f"mission {name!r} is not in namespace {self.namespace!r}."
                    f" There: {there or 'none'}; give another by -n."
                ]
            ) from fault
        return _read(body, Mission)

    async def found(self, name: str) -> Mission | None:
        """None where there is no such mission."""
        try:
            return _read(
                await self._asked("GET", f"{MISSIONS.format(self.namespace)}/{name}"), Mission
            )
        except _Absent:
            return None

    async def missions(self, labels: str = "") -> tuple[Mission, ...]:
        """The newest first; `labels`: only those that this selector finds."""
        more = {"label_selector": labels} if labels else {}
        body = await self._asked("GET", MISSIONS.format(self.namespace), **more)
        found = [_read(one, Mission) for one in _read(body, _Listed).items]
        return tuple(sorted(found, key=_age, reverse=True))

    async def cancel(self, name: str) -> None:
        """The kill switch: for good."""
        path = f"{MISSIONS.format(self.namespace)}/{name}"
        body = {"spec": {"cancel": True}}
        await self._asked("PATCH", path, body=body, content_type="application/merge-patch+json")

    async def report(self, mission: str) -> Report | None:
        """A mission's papers; None while there are none."""
        path = f"/api/v1/namespaces/{self.namespace}/configmaps/{mission}-report"
        try:
            return _read(await self._asked("GET", path), Report)
        except _Absent:
            return None

    async def pods(self, mission: str) -> tuple[Pod, ...]:
        """A mission's pods, the newest first."""
        path = f"/api/v1/namespaces/{self.namespace}/pods"
        body = await self._asked("GET", path, label_selector=f"hekaton.dev/mission={mission}")
        found = [_read(one, Pod) for one in _read(body, _Listed).items]
        return tuple(sorted(found, key=_age, reverse=True))

    async def log(self, pod: str, container: str, *, follow: bool) -> AsyncIterator[str]:
        """Lines of a container's log, to its end or for as long as it runs."""
        path = f"/api/v1/namespaces/{self.namespace}/pods/{pod}/log"
        query = [("container", container), *([("follow", "true")] if follow else [])]
        response = await self._sent("GET", path, query_params=query, _request_timeout=0 if follow else PATIENCE)  # fmt: skip
        try:
            async for line in response.content:
                yield line.decode(errors="replace").rstrip("\n")
        finally:
            response.close()

    async def _asked(self, method: str, path: str, **more: Any) -> bytes:
        response = await self._sent(method, path, _request_timeout=PATIENCE, **more)
        body: bytes = await response.read()
        return body

    async def _sent(self, method: str, path: str, **more: Any) -> Any:
        try:
            query = more.pop("query_params", [])  # a new list each time: the client appends to it
            return await self._dynamic.request(
                method, path, query_params=query, serialize=False, **more
            )
        except ApiException as fault:
            _refuse(fault, path)
        except (OSError, TimeoutError) as fault:
            raise Unavailable(
                f"The cluster does not answer ({fault}). Try `kubectl get ns`."
            ) from fault


class _Absent(BadInput):
    """There is no such object."""


def _refuse(fault: ApiException, path: str) -> NoReturn:
    said = _message(fault)
    if fault.status == 404:
        missing = "could not find the requested resource" in said  # the kind, not the object
        cure = " Install Hekaton there: `helm install hekaton ...`." if missing else ""
        raise _Absent([f"{said}.{cure}"]) from fault
    if fault.status in (401, 403):
        raise BadInput(
            [f"The cluster refuses: {said}. Use a context with rights, by --context."]
        ) from fault
    if fault.status in (400, 409, 422):
        raise BadInput([said]) from fault
    raise Unavailable(f"The cluster failed at {path} with {fault.status}: {said}") from fault


def _message(fault: ApiException) -> str:
    body = fault.body if isinstance(fault.body, bytes | str) else b""
    try:
        said = msgspec.json.decode(body, type=_Refusal).message
    except msgspec.DecodeError:
        said = ""
    return said or str(fault.reason or f"status {fault.status}")


def _read(body: bytes | msgspec.Raw, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.MsgspecError as fault:
        raise Unavailable(f"The cluster's answer is not what was asked for ({fault}).") from fault


def _age(one: Mission | Pod) -> float:
    made = one.metadata.creation_timestamp
    return made.timestamp() if made else 0.0
