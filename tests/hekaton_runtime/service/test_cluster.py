"""The service before a cluster, over HTTP; the cluster is a class that keeps Missions as a server would."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
import pytest

from hekaton_runtime.errors import BadInput, Unavailable
from hekaton_runtime.kube.values import Condition, Delivered, Mission, Status
from hekaton_runtime.service.app import House, application
from hekaton_runtime.service.cluster import CLIENT, ClusterDesk, Offer
from hekaton_runtime.service.desk import Client
from hekaton_runtime.service.figures import Figures
from hekaton_runtime.service.keys import Keys, from_environ
from hekaton_runtime.service.rates import Rates
from hekaton_runtime.web.metrics import Registry
from hekaton_runtime.web.serving import serving

TASK = {"task_description": "Analyze it.", "total_budget_tokens": 50_000}
KEYS = {"HEKATON_API_KEYS": "ann:0123456789abcdef,bob:fedcba9876543210"}
ANN, BOB = {"X-API-Key": "0123456789abcdef"}, {"X-API-Key": "fedcba9876543210"}


@dataclass
class Kept:
    """Missions by name, as an API server keeps them: a goal is never changed."""

    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    away: bool = False
    lists: int = 0

    async def apply(self, document: dict[str, Any]) -> None:
        self._there()
        name = document["metadata"]["name"]
        there = self.objects.get(name)
        if there and there["spec"]["goal"] != document["spec"]["goal"]:
            raise BadInput(["spec.goal is never changed."])
        made = datetime(2026, 1, 1, 0, 0, len(self.objects) % 60, tzinfo=UTC).isoformat()
        document["metadata"]["creationTimestamp"] = made
        self.objects[name] = {"status": {}, **document}

    async def found(self, name: str) -> Mission | None:
        self._there()
        one = self.objects.get(name)
        return None if one is None else msgspec.convert(one, Mission)

    async def missions(self, labels: str = "") -> tuple[Mission, ...]:
        self._there()
        self.lists += 1
        key, _, value = labels.partition("=")
        found = (msgspec.convert(one, Mission) for one in reversed(self.objects.values()))
        return tuple(one for one in found if value in ("", one.metadata.labels.get(key)))

    async def cancel(self, name: str) -> None:
        self._there()
        self.objects[name]["spec"]["cancel"] = True
        self.end(name, "Cancelled")

    def end(self, name: str, kind: str, **more: Any) -> None:
        status = Status(conditions=(Condition(kind, "True", "Because", "It is so."),), **more)
        self.objects[name]["status"] = msgspec.to_builtins(status)

    def _there(self) -> None:
        if self.away:
            raise Unavailable("The cluster does not answer.")


@pytest.fixture
def kept() -> Kept:
    return Kept()


@asynccontextmanager
async def opened(
    kept: Kept, room: int = 100, keyed: bool = False
) -> AsyncIterator[httpx.AsyncClient]:
    desk = ClusterDesk(kept, Offer("team", "missions"), room)
    keys = from_environ(KEYS) if keyed else Keys()
    house = House(desk, desk, keys, Rates(100_000), Figures(Registry()), desk.why_not)
    async with (
        serving(application(house)) as url,
        httpx.AsyncClient(base_url=url, timeout=60) as http,
    ):
        yield http


async def test_a_task_becomes_a_mission_of_the_formation(kept: Kept) -> None:
    async with opened(kept) as http:
        said = await http.post("/submit", json=TASK)
    assert said.status_code == 202
    view = said.json()
    assert (view["state"], view["position"], view["mode"]) == ("queued", 1, "hierarchical")
    (made,) = kept.objects.values()
    assert made["metadata"]["labels"] == {CLIENT: "local"}
    assert made["metadata"]["namespace"] == "missions"
    assert made["spec"]["formation"] == "team"
    assert made["spec"]["budget"] == {"tokens": 50_000, "usd": 5.01, "wallClock": "1h"}
    assert "status" not in made["spec"]


async def test_the_same_word_makes_one_mission_also_when_sent_at_once(kept: Kept) -> None:
    word = {"Idempotency-Key": "w-1"}
    async with opened(kept) as http:
        said = await asyncio.gather(*(http.post("/submit", json=TASK, headers=word) for _ in range(9)))  # fmt: skip
        other = await http.post(
            "/submit", json={**TASK, "task_description": "Other."}, headers=word
        )
    assert {one.status_code for one in said} == {202}
    assert len(kept.objects) == 1
    assert other.status_code == 409


async def test_two_hundred_clients_at_once_lose_nothing_and_count_the_queue_seldom(
    kept: Kept,
) -> None:
    async with opened(kept, room=1000) as http:
        said = await asyncio.gather(*(http.post("/submit", json=TASK) for _ in range(200)))
    assert {one.status_code for one in said} == {202}
    assert {one.json()["id"] for one in said} == set(kept.objects)
    assert len(kept.objects) == 200
    assert kept.lists < 100


async def test_a_full_queue_refuses_with_429_and_says_when_to_come_back(kept: Kept) -> None:
    async with opened(kept, room=2) as http:
        codes = [(await http.post("/submit", json=TASK)).status_code for _ in range(2)]
        refused = await http.post("/submit", json=TASK)
    assert codes == [202, 202]
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "30")
    assert len(kept.objects) == 2


async def test_each_key_sees_and_cancels_its_own_missions_only(kept: Kept) -> None:
    async with opened(kept, keyed=True) as http:
        mine = (await http.post("/submit", json=TASK, headers=ANN)).json()["id"]
        assert (await http.get("/missions", headers=BOB)).json() == []
        assert (await http.get(f"/missions/{mine}", headers=BOB)).status_code == 404
        assert (await http.post(f"/missions/{mine}/cancel", headers=BOB)).status_code == 404
        assert [one["id"] for one in (await http.get("/missions", headers=ANN)).json()] == [mine]
        stopped = await http.post(f"/missions/{mine}/cancel", headers=ANN)
        again = await http.post(f"/missions/{mine}/cancel", headers=ANN)
    assert (stopped.status_code, stopped.json()["state"]) == (202, "stopped")
    assert again.status_code == 202
    assert kept.objects[mine]["spec"]["cancel"] is True


async def test_what_has_ended_is_not_cancelled(kept: Kept) -> None:
    async with opened(kept) as http:
        mine = (await http.post("/submit", json=TASK)).json()["id"]
        kept.end(mine, "Succeeded")
        assert (await http.post(f"/missions/{mine}/cancel")).status_code == 409
        assert (await http.get(f"/missions/{mine}")).json()["state"] == "passed"


async def test_events_tell_each_change_and_end(kept: Kept) -> None:
    async with opened(kept) as http:
        mine = (await http.post("/submit", json=TASK)).json()["id"]
        names = []
        async with http.stream("GET", f"/missions/{mine}/events") as stream:
            async for line in stream.aiter_lines():
                if line.startswith("event: "):
                    names.append(line.removeprefix("event: "))
                    kept.end(mine, "Failed")
        assert names == ["status", "end"]


async def test_papers_say_where_they_are(kept: Kept) -> None:
    async with opened(kept) as http:
        mine = (await http.post("/submit", json=TASK)).json()["id"]
        none = await http.get(f"/missions/{mine}/sitrep")
        kept.end(mine, "Succeeded", sitrep="All good.", artifact=Delivered(location="pvc/results"))
        some = await http.get(f"/missions/{mine}/sitrep")
        patch = await http.get(f"/missions/{mine}/artifact")
    assert (none.status_code, some.text) == (409, "All good.")
    assert "It lies at pvc/results." in patch.json()["reasons"][0]


async def test_a_cluster_that_is_away_is_503_and_not_ready(kept: Kept) -> None:
    async with opened(kept) as http:
        kept.away = True
        said, ready = await http.post("/submit", json=TASK), await http.get("/readyz")
    assert (said.status_code, ready.status_code) == (503, 503)
    assert "does not answer" in ready.text


async def test_a_list_goes_on_behind_a_mission(kept: Kept) -> None:
    desk = ClusterDesk(kept, Offer("team", "missions"), 10)
    async with opened(kept) as http:
        ids = [(await http.post("/submit", json=TASK)).json()["id"] for _ in range(3)]
        page = (await http.get("/missions", params={"limit": 1, "before": ids[2]})).json()
    assert [one["id"] for one in page] == [ids[1]]
    assert len(await desk.listed(Client("local"), 10, "")) == 3
