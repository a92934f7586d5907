"""The least that an operator of this shape can do: a ConfigMap and a status for each Mission, and no more.

kopf for events, the dynamic client for server-side apply, a queue and twenty workers: what the same
libraries on the same machine leave to anybody. Run as a process: python bare.py KUBECONFIG
"""

import asyncio
import sys
from typing import Any

import kopf
from kubernetes.aio import config
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.dynamic.client import DynamicClient
from kubernetes.aio.dynamic.resource import Resource

AGENT = "hekaton-operator-bare"
WORKERS = 20
LABEL = "example.com/mission"
STAMP = "2026-01-01T00:00:00Z"
Body = dict[str, Any]


def resource(client: DynamicClient, group: str, version: str, kind: str, plural: str) -> Resource:
    status = {"kind": kind, "name": f"{plural}/status", "namespaced": True}
    return Resource(
        prefix="apis" if group else "api", group=group, api_version=version, kind=kind, name=plural,
        namespaced=True, client=client, subresources={"status": status},
    )  # fmt: skip


class Writer:
    """Makes what each mission needs, once."""

    def __init__(self, client: DynamicClient) -> None:
        self._maps = resource(client, "", "v1", "ConfigMap", "configmaps")
        self._missions = resource(client, "hekaton.dev", "v1alpha1", "Mission", "missions")
        self._done: set[str] = set()

    async def reconcile(self, mission: Body) -> None:
        meta = mission["metadata"]
        if meta["uid"] in self._done:
            return
        self._done.add(meta["uid"])
        how: dict[str, Any] = {"field_manager": AGENT, "force_conflicts": True, "serializer": plain}
        name = {"name": meta["name"], "namespace": meta["namespace"]}
        owner = {"apiVersion": "hekaton.dev/v1alpha1", "kind": "Mission", "name": meta["name"], "uid": meta["uid"]}  # fmt: skip
        child: Body = {
            "apiVersion": "v1", "kind": "ConfigMap", "data": {"goal": mission["spec"]["goal"]},
            "metadata": {**name, "labels": {LABEL: meta["name"]}, "ownerReferences": [owner]},
        }  # fmt: skip
        await self._maps.server_side_apply(body=child, **how)
        conditions = [
            {"type": kind, "status": "True", "reason": "Bare", "message": "It is there.", "lastTransitionTime": STAMP}
            for kind in ("Admitted", "Running")
        ]  # fmt: skip
        told = {"apiVersion": "hekaton.dev/v1alpha1", "kind": "Mission", "metadata": name, "status": {"conditions": conditions}}  # fmt: skip
        await self._missions.status.server_side_apply(body=told, **how)


def plain(_client: object, data: Any) -> Any:
    return data


async def work(queue: "asyncio.Queue[Body]", writer: Writer) -> None:
    while True:
        await writer.reconcile(await queue.get())


async def main(kubeconfig: str) -> None:
    settings, queue = Configuration(), asyncio.Queue[Body]()
    await config.load_kube_config(kubeconfig, client_configuration=settings)
    registry, how = kopf.OperatorRegistry(), kopf.OperatorSettings()
    how.scanning.disabled, how.posting.enabled, how.queueing.idle_timeout = True, False, 0.2
    how.watching.label_selectors["", "v1", "configmaps"] = LABEL
    kopf.on.login(registry=registry)(lambda **_: kopf.login_with_kubeconfig(settings=how))

    async def heard(event: Any, **_: Any) -> None:
        if event["object"]["kind"] == "Mission":
            queue.put_nowait(dict(event["object"]))

    for watched in (("hekaton.dev", "v1alpha1", "missions"), ("", "v1", "configmaps")):
        kopf.on.event(*watched, registry=registry)(heard)
    async with ApiClient(settings) as api:
        api.user_agent = AGENT
        writer = Writer(DynamicClient(api))
        tasks = [asyncio.create_task(work(queue, writer)) for _ in range(WORKERS)]
        feed = kopf.operator(registry=registry, settings=how, standalone=True, clusterwide=True)
        await asyncio.gather(feed, *tasks)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
