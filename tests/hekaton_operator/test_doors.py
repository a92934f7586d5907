"""The doors against real sockets: the API server's answers, the health port, and what is imported."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from aiohttp import web
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration

from hekaton_operator.cluster import Cluster
from hekaton_operator.errors import Away, Gone, OperatorError, Refused, Stale
from hekaton_operator.health import Answers, serve
from hekaton_operator.manifest import Manifest
from hekaton_operator.metrics import Metrics
from hekaton_operator.objects import CLAIMS, SORTS, Key, Sort
from hekaton_operator.store import Store
from hekaton_operator.workers import refresh

SECRET = Key("Secret", "team", "crew-bus")
OWN = {
    "name": "crew-bus",
    "namespace": "team",
    "ownerReferences": [{"uid": "u", "controller": True}],
}
MANIFEST = Manifest(SECRET, {"apiVersion": "v1", "kind": "Secret", "metadata": OWN})
PATH = "/api/v1/namespaces/team/secrets/crew-bus"
PAGE = {"resourceVersion": "7"}


@dataclass
class Api:
    """Answers as it is told, and remembers what was asked."""

    answers: dict[tuple[str, str], tuple[int, Any]] = field(default_factory=dict)
    busy: list[int] = field(default_factory=list)
    """Retry-After of the next answers, which are 429."""
    torn: bool = False
    """Whether its answers break off in the middle."""
    asked: list[tuple[str, str, str, Any]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        text = await request.text()
        kind = request.headers.get("Content-Type", "")
        self.asked.append((request.method, request.path_qs, kind, json.loads(text or "null")))
        if self.busy:
            headers = {"Retry-After": str(self.busy.pop(0))}
            return web.json_response({"message": "slowly"}, status=429, headers=headers)
        if self.torn:
            return web.Response(text='{"metadata": {"na', content_type="application/json")
        status, body = self.answers.get((request.method, request.path), (404, {"message": "no"}))
        return web.json_response(body, status=status)


@pytest.fixture
async def api() -> AsyncIterator[tuple[Api, Cluster]]:
    server, made = web.Application(), Api()
    server.router.add_route("*", "/{path:.*}", made.handle)
    runner = web.AppRunner(server)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    settings = Configuration(host=f"http://127.0.0.1:{port}")
    async with ApiClient(settings) as client:
        client.user_agent = "hekaton-operator"
        yield made, Cluster(client)
    await runner.cleanup()


async def test_an_apply_is_a_forced_server_side_apply_under_our_name(
    api: tuple[Api, Cluster],
) -> None:
    server, cluster = api
    server.answers["PATCH", PATH] = (200, {"metadata": OWN})
    await cluster.apply(MANIFEST, guarded=False)
    ((method, path, kind, body),) = server.asked
    assert (method, kind) == ("PATCH", "application/apply-patch+yaml")
    assert "fieldManager=hekaton" in path
    assert "force=true" in path
    assert body == MANIFEST.body


@pytest.mark.parametrize(
    ("status", "message", "error"),
    [
        (404, "gone", Gone),
        (409, "conflict", Stale),
        (403, "no right", Refused),
        (422, "spec.x: bad", Refused),
        (500, 'failed to create typed patch object: .spec.x: field not declared in schema', Refused),
        (500, "etcd is ill", Away),
        (429, "slowly", Away),
        (503, "starting", Away),
        (401, "token old", Away),
    ],
)  # fmt: skip
async def test_an_answer_becomes_what_is_to_be_done(
    api: tuple[Api, Cluster], status: int, message: str, error: type[OperatorError]
) -> None:
    server, cluster = api
    server.answers["PATCH", PATH] = (status, {"message": message})
    with pytest.raises(error, match=message[:8]):
        await cluster.apply(MANIFEST, guarded=False)


async def test_no_answer_is_away() -> None:
    async with ApiClient(Configuration(host="http://127.0.0.1:9")) as client:
        with pytest.raises(Away):
            await Cluster(client).apply(MANIFEST, guarded=False)


async def test_an_object_of_somebody_else_is_never_taken_over(api: tuple[Api, Cluster]) -> None:
    server, cluster = api
    server.answers["GET", PATH] = (200, {"metadata": {"name": "crew-bus"}})
    with pytest.raises(Refused, match="belongs to somebody else"):
        await cluster.apply(MANIFEST, guarded=True)
    assert [method for method, *_ in server.asked] == ["GET"]


async def test_a_list_is_read_page_by_page_with_our_label(api: tuple[Api, Cluster]) -> None:
    server, cluster = api
    items = [{"metadata": {"name": "crew-bus", "namespace": "team", "uid": "u"}}]
    page = {"items": items, "metadata": {"resourceVersion": "7"}}
    server.answers["GET", "/api/v1/secrets"] = (200, page)
    sort = next(each for each in SORTS if each.kind == "Secret")
    (listed,) = [page async for page in cluster.pages(sort, "")]
    assert listed.version == 7
    assert [key for key, _ in listed.objects] == [SECRET]
    assert "labelSelector=app.kubernetes.io/managed-by" in server.asked[0][1].replace("%2F", "/")


async def test_a_deletion_names_the_very_object_and_forgives_its_absence(
    api: tuple[Api, Cluster],
) -> None:
    server, cluster = api
    await cluster.delete(SECRET, "u", 2)
    ((method, _, _, body),) = server.asked
    assert method == "DELETE"
    assert body["preconditions"] == {"uid": "u"}
    assert body["gracePeriodSeconds"] == 2


async def test_a_conflict_about_a_deletion_is_told(api: tuple[Api, Cluster]) -> None:
    """Or else the object stays, and nobody tries again."""
    server, cluster = api
    server.answers["DELETE", PATH] = (409, {"message": "try again"})
    with pytest.raises(Stale):
        await cluster.delete(SECRET, "u", None)


async def test_a_request_waits_as_long_as_the_server_asks_for(api: tuple[Api, Cluster]) -> None:
    server, cluster = api
    server.answers["PATCH", PATH] = (200, {"metadata": OWN})
    server.busy = [1]
    began = asyncio.get_running_loop().time()
    await cluster.apply(MANIFEST, guarded=False)
    assert asyncio.get_running_loop().time() - began >= 1
    assert len(server.asked) == 2


async def test_a_long_wait_is_left_to_the_queue(api: tuple[Api, Cluster]) -> None:
    server, cluster = api
    server.busy = [30]
    with pytest.raises(Away) as caught:
        await cluster.apply(MANIFEST, guarded=False)
    assert caught.value.after == 30
    assert len(server.asked) == 1


async def test_an_answer_that_is_no_json_is_no_answer(api: tuple[Api, Cluster]) -> None:
    server, cluster = api
    server.torn = True
    with pytest.raises(Away):
        await cluster.apply(MANIFEST, guarded=False)


async def test_claim_templates_are_known_after_a_restart(api: tuple[Api, Cluster]) -> None:
    """Or else each is made once more, and those of old revisions stay."""
    server, cluster = api
    for sort in SORTS:
        server.answers["GET", path(sort)] = (200, {"items": [], "metadata": PAGE})
    item = {"metadata": {"name": "crew-1", "namespace": "team", "uid": "u"}}
    server.answers["GET", path(CLAIMS)] = (200, {"items": [item], "metadata": PAGE})
    store = Store()
    await refresh(cluster, store, "")
    assert list(store.keys(["ResourceClaimTemplate"])) == [
        Key("ResourceClaimTemplate", "team", "crew-1")
    ]


@pytest.mark.parametrize("status", [403, 404], ids=["no right", "not served"])
async def test_a_cluster_without_claim_templates_will_do(
    api: tuple[Api, Cluster], status: int
) -> None:
    server, cluster = api
    for sort in SORTS:
        server.answers["GET", path(sort)] = (200, {"items": [], "metadata": PAGE})
    server.answers["GET", path(CLAIMS)] = (status, {"message": "no"})
    pods = next(sort for sort in SORTS if sort.plural == "pods")
    item = {"metadata": {"name": "crew-0", "namespace": "team", "uid": "u"}}
    server.answers["GET", path(pods)] = (200, {"items": [item], "metadata": PAGE})
    store = Store()
    await refresh(cluster, store, "")
    assert [key.name for key in store.keys(["Pod", "ResourceClaimTemplate"])] == ["crew-0"]


def path(sort: Sort) -> str:
    return f"/{'apis' if sort.group else 'api'}/{sort.api_version}/{sort.plural}"


async def ask(port: int, path: str) -> tuple[int, str]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    text = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    return int(text.split(" ", 2)[1]), text.partition("\r\n\r\n")[2]


async def test_health_and_metrics_answer_over_http() -> None:
    metrics = Metrics()
    metrics.reconciled("Mission", "done", 0.1, 0.2)
    wrong: list[str] = []
    answers = Answers(lambda: tuple(wrong), lambda: (), metrics.text)
    async with serve(0, answers, "127.0.0.1") as port:
        assert (await ask(port, "/healthz"))[0] == 200
        wrong.append("A key has waited for 200 s.")
        assert await ask(port, "/healthz") == (503, "A key has waited for 200 s.\n")
        assert (await ask(port, "/readyz"))[0] == 200
        assert (await ask(port, "/none"))[0] == 404
        status, text = await ask(port, "/metrics")
    assert status == 200
    assert 'hekaton_operator_reconciles_total{kind="Mission",result="done"} 1.0' in text


def test_the_operator_never_loads_the_large_typed_clients() -> None:
    """They cost 24 MiB; the dynamic client does all."""
    code = (
        "import sys, hekaton_operator.main\n"
        "print([n for n in sys.modules if 'core_v1_api' in n or 'apps_v1_api' in n])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


async def test_what_is_made_once_is_one_request(api: tuple[Api, Cluster]) -> None:
    server, cluster = api
    server.answers["POST", PATH.rpartition("/")[0]] = (201, {"metadata": {"name": "crew-bus"}})
    await cluster.apply(replace(MANIFEST, once=True), guarded=True)
    assert [method for method, *_ in server.asked] == ["POST"]


async def test_what_is_made_once_takes_nothing_over(api: tuple[Api, Cluster]) -> None:
    server, cluster = api
    server.answers["POST", PATH.rpartition("/")[0]] = (409, {"message": "already exists"})
    server.answers["GET", PATH] = (200, {"metadata": {"name": "crew-bus"}})
    with pytest.raises(Refused, match="belongs to somebody else"):
        await cluster.apply(replace(MANIFEST, once=True), guarded=True)


async def test_nothing_is_written_without_the_lease(api: tuple[Api, Cluster]) -> None:
    server, cluster = api
    cluster.fence(lambda: False)
    for guarded in (False, True):
        with pytest.raises(Away, match="Lease"):
            await cluster.apply(MANIFEST, guarded=guarded)
    with pytest.raises(Away, match="Lease"):
        await cluster.delete(SECRET, "u", None)
    assert {method for method, *_ in server.asked} <= {"GET"}
