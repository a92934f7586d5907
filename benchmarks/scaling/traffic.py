"""Users of the cluster: they apply formations and missions, at a rate or all at once."""

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from cluster.use import Cluster
from figures.report import ROOT
from ruamel.yaml import YAML

SPACE = "default"
AT_ONCE = 32
DETACHED = 10.0
"""So many times what a look takes is waited until the next: looking must not be what is measured."""
Names = Iterable[str]


class Users:
    """One administrator's connection."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self.alive: Callable[[], bool] = lambda: True
        """Whether there is still somebody to wait for."""
        self._formation = _spec("formations/simulated.yaml")
        self._mission = _spec("missions/duration-library.yaml")

    async def formation(self, name: str, **more: Any) -> None:
        await self._create("formations", "Formation", name, {**self._formation, **more})

    async def mission(self, name: str, formation: str) -> None:
        await self._create("missions", "Mission", name, {**self._mission, "formation": formation})

    async def all_at_once(self, names: Names, formation: Callable[[str], str]) -> float:
        """Seconds until all are created."""
        began, left = time.monotonic(), iter(names)

        async def hand() -> None:
            for name in left:
                await self.mission(name, formation(name))

        await asyncio.gather(*(hand() for _ in range(AT_ONCE)))
        return time.monotonic() - began

    async def paced(self, names: Names, rate: float, formation: str) -> None:
        """So many a second, whether or not the earlier ones are answered."""
        began, tasks = time.monotonic(), []
        for number, name in enumerate(names):
            await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
            tasks.append(asyncio.create_task(self.mission(name, formation)))
        await asyncio.gather(*tasks)

    async def there(self, plural: str) -> list[dict[str, Any]]:
        path = f"/apis/hekaton.dev/v1alpha1/namespaces/{SPACE}/{plural}"
        found: list[dict[str, Any]] = []
        more = ""
        while True:
            query = {"limit": "1000", **({"continue": more} if more else {})}
            async with self._session.get(path, params=query) as reply:
                page = json.loads(await reply.read())
            found += page["items"]
            more = page["metadata"].get("continue", "")
            if not more:
                return found

    async def until(self, plural: str, kind: str, count: int, patience: float = 600.0) -> None:
        """Until so many have the condition."""
        end = time.monotonic() + patience
        while True:
            began = time.monotonic()
            have = sum(holds(each, kind) for each in await self.there(plural))
            if have >= count:
                return
            if time.monotonic() > end or not self.alive():
                raise TimeoutError(
                    f"{have} of {count} {plural} have {kind}; operator: {self.alive()}."
                )
            await asyncio.sleep(max(1.0, DETACHED * (time.monotonic() - began)))

    async def _create(self, plural: str, kind: str, name: str, spec: Any) -> None:
        body = {
            "apiVersion": "hekaton.dev/v1alpha1",
            "kind": kind,
            "metadata": {"name": name, "namespace": SPACE},
            "spec": spec,
        }
        path = f"/apis/hekaton.dev/v1alpha1/namespaces/{SPACE}/{plural}"
        async with self._session.post(path, json=body) as reply:
            if reply.status >= 300:
                raise RuntimeError(f"{kind} {name!r}: {await reply.text()}")


@asynccontextmanager
async def users(cluster: Cluster) -> AsyncIterator[Users]:
    keys = cluster.folder / "pki"
    trust = ssl.create_default_context(cafile=str(keys / "ca.crt"))
    trust.load_cert_chain(keys / "admin.crt", keys / "admin.key")
    config = json.loads(cluster.kubeconfig.read_text())
    door = aiohttp.TCPConnector(ssl=trust, limit=AT_ONCE * 2)
    agent = {"User-Agent": "hekaton-benchmark"}
    base = config["clusters"][0]["cluster"]["server"]
    async with aiohttp.ClientSession(base, connector=door, headers=agent) as session:
        yield Users(session)


def holds(body: dict[str, Any], kind: str) -> bool:
    conditions = body.get("status", {}).get("conditions", ())
    return any(each["type"] == kind and each["status"] == "True" for each in conditions)


def _spec(file: str) -> dict[str, Any]:
    spec: dict[str, Any] = YAML(typ="safe").load((ROOT / "manifests" / file).read_text())["spec"]
    return spec
