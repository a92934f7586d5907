"""The one door to the API server: LIST, server-side apply, merge, delete, and the Lease.

The dynamic client with resources that are known beforehand: no discovery, and none of the typed API
classes, which would cost memory. Feeding events is kopf's work, not done here.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import aiohttp
from kubernetes.aio import config
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.dynamic.client import DynamicClient
from kubernetes.aio.dynamic.exceptions import DynamicApiError
from kubernetes.aio.dynamic.resource import Resource

from hekaton_operator.errors import Away, Gone, OperatorError, Refused, Stale
from hekaton_operator.manifest import Manifest
from hekaton_operator.names import FIELD_MANAGER, MANAGED_BY, MANAGER
from hekaton_operator.objects import (
    PAGE,
    SORTS,
    UNWATCHED,
    Body,
    Key,
    Sort,
    controller_of,
    key_of,
    labels_of,
    sort_of,
)

LIMIT = aiohttp.ClientTimeout(total=15)
PATIENCE = 5.0
"""Seconds that one request waits in all where the server asks for it (Retry-After) before it is sent
again; what takes longer goes back to the queue, so that a worker is never held for long."""


@dataclass(frozen=True, slots=True)
class Listed:
    """Objects of one kind at one moment."""

    objects: tuple[tuple[Key, Body], ...]
    version: int
    """Resource version of the list."""


class Cluster:
    """Implements `Writer` and `Leases`."""

    def __init__(self, api: ApiClient) -> None:
        self._client = DynamicClient(api)
        self._resources = {each.kind: self._resource(each) for each in (*SORTS, *UNWATCHED)}
        self.requests = 0
        self._leads: Callable[[], bool] = lambda: True

    def fence(self, leads: Callable[[], bool]) -> None:
        """From now on write only while this is true: a process that was stopped may have lost the
        Lease without knowing. Reads and the Lease itself are not concerned."""
        self._leads = leads

    @classmethod
    @asynccontextmanager
    async def connect(cls, in_cluster: bool) -> AsyncIterator["Cluster"]:
        """With the pod's service account, or else the user's kubeconfig."""
        settings = Configuration()
        if in_cluster:
            config.load_incluster_config(settings)
        else:
            await config.load_kube_config(client_configuration=settings)
        # Else each request looks for proxies and ~/.netrc anew: a fifth of all CPU in a burst.
        settings.client_session_kwargs = {"trust_env": False}
        async with ApiClient(settings) as api:
            api.user_agent = MANAGER
            yield cls(api)

    def _resource(self, sort: Sort) -> Resource:
        status = {"kind": sort.kind, "name": f"{sort.plural}/status", "namespaced": True}
        return Resource(
            prefix="apis" if sort.group else "api",
            group=sort.group,
            api_version=sort.version,
            kind=sort.kind,
            name=sort.plural,
            namespaced=True,
            client=self._client,
            subresources={"status": status} if sort.ours else None,
        )

    async def pages(self, sort: Sort, namespace: str) -> AsyncIterator[Listed]:
        """All objects of a kind that are ours, in one namespace or (empty) in all: page by page, so
        that nobody holds them all."""
        more: str | None = None
        while True:
            page = await self._send(
                self._resources[sort.kind].get,
                namespace=namespace or None,
                limit=PAGE,
                _continue=more,
                label_selector=sort.selector,
            )
            found = tuple((key_of(sort.kind, each), each) for each in page["items"])
            yield Listed(found, int(page["metadata"]["resourceVersion"]))
            more = page["metadata"].get("continue") or None
            if more is None:
                return

    async def apply(self, manifest: Manifest, guarded: bool) -> Body:
        resource = self._resources[manifest.key.kind]
        if guarded and manifest.once:
            return await self._once(manifest)
        if guarded:
            _own(manifest, await self.read(manifest.key))
        return await self._write(
            resource.server_side_apply,
            body=dict(manifest.body),
            field_manager=FIELD_MANAGER,
            force_conflicts=True,
        )

    async def _once(self, manifest: Manifest) -> Body:
        """Make an object that is never changed: one request, which takes over nothing."""
        key, resource = manifest.key, self._resources[manifest.key.kind]
        body = dict(manifest.body)
        try:
            return await self._write(
                resource.create, namespace=key.namespace, body=body, field_manager=FIELD_MANAGER
            )
        except Gone as fault:
            raise _unserved(key, fault) from fault
        except Stale:
            there = await self.read(key)
            if there is None:
                raise
            _own(manifest, there)
            return there

    async def apply_status(self, key: Key, status: Mapping[str, Any]) -> Body:
        sort = sort_of(key.kind)
        body = {
            "apiVersion": sort.api_version,
            "kind": key.kind,
            "metadata": {"name": key.name, "namespace": key.namespace},
            "status": dict(status),
        }
        return await self._write(
            self._resources[key.kind].status.server_side_apply,
            body=body,
            field_manager=FIELD_MANAGER,
            force_conflicts=True,
        )

    async def merge(self, key: Key, change: Mapping[str, Any]) -> Body:
        return await self._write(
            self._resources[key.kind].patch,
            name=key.name,
            namespace=key.namespace,
            body=dict(change),
            content_type="application/merge-patch+json",
            field_manager=FIELD_MANAGER,
        )

    async def delete(self, key: Key, uid: str, grace: int | None) -> None:
        options: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
            "preconditions": {"uid": uid},
        }
        if grace is not None:
            options["gracePeriodSeconds"] = grace
        # A conflict is told: the object may be another one by now, but it may as well still be there.
        with suppress(Gone):
            await self._write(
                self._resources[key.kind].delete,
                name=key.name,
                namespace=key.namespace,
                body=options,
            )

    async def read(self, key: Key) -> Body | None:
        """None where there is none."""
        with suppress(Gone):
            return await self._send(
                self._resources[key.kind].get, name=key.name, namespace=key.namespace
            )
        return None

    async def create(self, key: Key, body: Body) -> Body:
        """Raises `Stale` when it is there already."""
        resource = self._resources[key.kind]
        return await self._send(resource.create, namespace=key.namespace, body=dict(body))

    async def replace(self, key: Key, body: Body) -> Body:
        """Raises `Stale` when its resourceVersion is not the newest."""
        resource = self._resources[key.kind]
        return await self._send(
            resource.replace, name=key.name, namespace=key.namespace, body=dict(body)
        )

    async def _write(self, call: Any, **arguments: Any) -> Body:
        return await self._send(call, self._leads, **arguments)

    async def _send(
        self, call: Any, may: Callable[[], bool] = lambda: True, /, **arguments: Any
    ) -> Body:
        """One request; sent again for as long as the server asks for short waits."""
        waited = 0.0
        while True:
            if not may():
                raise Away("The Lease was not renewed in time: another replica may lead.")
            try:
                return await self._answer(call, arguments)
            except Away as fault:
                waited += fault.after
                if not fault.after or waited > PATIENCE:
                    raise
                await asyncio.sleep(fault.after)

    async def _answer(self, call: Any, arguments: Mapping[str, Any]) -> Body:
        """An answer as plain JSON, errors as ours."""
        self.requests += 1
        try:
            answer: Body = await call(serializer=_plain, _request_timeout=LIMIT, **arguments)
        except DynamicApiError as fault:  # its text holds headers
            raise translated(fault.status, fault.body, _after(fault.headers)) from None
        except (OSError, TimeoutError, aiohttp.ClientError, json.JSONDecodeError) as fault:
            raise Away(f"The API server does not answer ({type(fault).__name__}).") from fault
        return answer


def _unserved(key: Key, fault: Gone) -> OperatorError:
    """A kind that the cluster does not serve stays refused; a namespace that went away does not."""
    if "namespace" in str(fault):
        return fault
    return Refused(
        "KindUnknown",
        f"The cluster does not serve {key.kind} ({sort_of(key.kind).api_version}). Upgrade Kubernetes"
        " (DRA needs 1.34), or remove spec.hardware.deviceClass from the formation.",
    )


def _own(manifest: Manifest, there: Body | None) -> None:
    """Raises `Refused` where an object of this name is somebody else's: it is left alone."""
    if there is None:
        return
    owner = controller_of(manifest.body)
    own = controller_of(there) == owner if owner else labels_of(there).get(MANAGED_BY) == MANAGER
    if not own:
        raise Refused(
            "NameTaken",
            f"{manifest.key} exists and belongs to somebody else. Rename or remove it, or choose"
            " another name for the formation or mission.",
        )


def _plain(_client: object, data: Any) -> Any:
    return data


def _after(headers: Mapping[str, str] | None) -> float:
    """Seconds of Retry-After, in which the API server never names a date; 0 without."""
    text = (headers or {}).get("Retry-After", "")
    return float(text) if text.isdigit() else 0.0


def translated(status: int, body: object, after: float = 0.0) -> OperatorError:
    """The error that says what to do about an answer, `after` so many seconds."""
    message = _message(body) or f"The API server answered {status}."
    if status == 404:
        return Gone(message)
    if status == 409:
        return Stale(message)
    if status == 500 and "field not declared in schema" in message:
        remedy = "Upgrade the CRDs to this operator's version (crds/*.yaml)."
        return Refused("SchemaMismatch", f"{message.rstrip('.')}. {remedy}")
    if status == 403:
        return Refused(
            "Forbidden", f"{message.rstrip('.')}. Give the operator this right or quota."
        )
    if status in (400, 405, 413, 415, 422):
        return Refused("ApplyRefused", message)
    return Away(message, after)


def _message(body: object) -> str:
    text = body.decode(errors="replace") if isinstance(body, bytes) else str(body or "")
    try:
        found = json.loads(text)
    except ValueError:
        return text[:1000]
    return str(found.get("message", ""))[:1000] if isinstance(found, dict) else text[:1000]
