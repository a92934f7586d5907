"""The feed against a server that ends its watches in every way: it goes on, and says what it may have missed."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from hekaton_operator.objects import SORTS

FEED = """
import asyncio
from hekaton_operator.feed import Place, feed
from hekaton_operator.store import Store

async def main():
    store, stop = Store(), asyncio.Event()
    store.watch(lambda change: print(change.what, change.key.name, flush=True))
    await feed(store, Place(in_cluster=False), stop, lambda: print("relisted", flush=True))

asyncio.run(main())
print("ended", flush=True)
"""
MISSION = {"metadata": {"name": "late", "namespace": "team", "uid": "u", "resourceVersion": "9"}}
GONE = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}
ILL = {"kind": "Status", "code": 500, "reason": "InternalError", "message": "leader changed"}


def line(kind: str, body: object) -> str:
    return json.dumps({"type": kind, "object": body}) + "\n"


def discovery() -> dict[str, object]:
    """What kopf asks for first: which kinds there are. It insists on namespaces."""
    named: list[tuple[str, str, str, str]]
    named = [(each.group, each.version, each.plural, each.kind) for each in SORTS]
    named.append(("", "v1", "namespaces", "Namespace"))
    found: dict[str, object] = {}
    groups = []
    for group, version in {(group, version) for group, version, *_ in named}:
        kinds = [
            {"name": plural, "singularName": "", "kind": kind, "namespaced": True, "verbs": VERBS}
            for *place, plural, kind in named
            if place == [group, version]
        ]
        found[f"/apis/{group}/{version}" if group else "/api/v1"] = {"resources": kinds}
        one = {"version": version}
        groups += [{"name": group, "preferredVersion": one, "versions": [one]}] if group else []
    return found | {"/api": {"versions": ["v1"]}, "/apis": {"groups": groups}}


VERBS = ("list", "watch")
DISCOVERY = discovery()


class Api:
    """Has nothing to list; each watch of missions ends as it is told, the others stay silent."""

    def __init__(self, *ends: tuple[int, str]) -> None:
        self.ends = list(ends)
        self.lists = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if (known := DISCOVERY.get(request.path)) is not None:
            return web.json_response(known)
        if "watch" not in request.query:
            self.lists += 1
            return web.json_response({"items": [], "metadata": {"resourceVersion": "7"}})
        if request.path.endswith("/missions") and self.ends:
            status, text = self.ends.pop(0)
            return web.Response(status=status, text=text, content_type="application/json")
        found = web.StreamResponse()
        await found.prepare(request)
        await asyncio.Event().wait()
        return found


@pytest.fixture
async def told(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[asyncio.Queue[str]]:
    """What the feed of a process says before such a server."""
    app, api = web.Application(), Api(*request.param)
    app.router.add_route("GET", "/{path:.*}", api.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server = f"http://127.0.0.1:{runner.addresses[0][1]}"
    config = tmp_path / "kubeconfig"
    clusters = [{"name": "it", "cluster": {"server": server}}]
    contexts = [{"name": "it", "context": {"cluster": "it", "user": "me"}}]
    users = [{"name": "me", "user": {"token": "t"}}]
    whole = {"clusters": clusters, "contexts": contexts, "users": users, "current-context": "it"}
    config.write_text(json.dumps(whole))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", FEED, env={**os.environ, "KUBECONFIG": str(config)},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    lines, out = asyncio.Queue[str](), process.stdout

    async def hear() -> None:
        while text := await out.readline():
            lines.put_nowait(text.decode().strip())

    hearing = asyncio.create_task(hear())
    yield lines
    process.terminate()
    async with asyncio.timeout(60):
        while await lines.get() != "ended":
            pass
    await process.wait()
    await hearing
    await runner.cleanup()


ADDED = (200, line("ADDED", MISSION))


@pytest.mark.parametrize(
    "told",
    [
        pytest.param([(200, line("ERROR", GONE)), ADDED], id="expired"),
        pytest.param([(410, json.dumps(GONE)), ADDED], id="gone"),
        pytest.param([(200, line("ERROR", ILL)), ADDED], id="ill"),
        pytest.param([(200, '{"type": "ADDED", "obj'), ADDED], id="half a line"),
    ],
    indirect=True,
)
async def test_it_goes_on_and_says_that_it_may_have_missed_something(
    told: asyncio.Queue[str],
) -> None:
    """There is nothing to list, so nothing but the listing itself tells of it."""
    heard: list[str] = []
    async with asyncio.timeout(90):
        while not {"relisted", "added late"} <= set(heard):
            heard.append(await told.get())
    assert heard.count("added late") == 1


@pytest.mark.parametrize("told", [[(200, ""), ADDED]], indirect=True)
async def test_a_watch_that_only_ended_has_missed_nothing(told: asyncio.Queue[str]) -> None:
    async with asyncio.timeout(90):
        assert await told.get() == "added late"


def test_every_kind_is_listed_once_at_the_start() -> None:
    """The counting of listings rests on it."""
    assert len({(each.group, each.plural) for each in SORTS}) == len(SORTS)
