"""Missions of the queue are worked to their ends: through restarts, by one owner, whatever fails."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx
import pytest

from hekaton_runtime.conductor.records import Record
from hekaton_runtime.conductor.work import Office
from hekaton_runtime.errors import BadInput
from hekaton_runtime.service.figures import Figures
from hekaton_runtime.service.working import TRIES, Floor
from hekaton_runtime.store.postgres import Database
from hekaton_runtime.web.metrics import Registry

REPEATED = (
    "select count(*) from (select from hekaton.call where state = 'settled'"
    " group by mission_id, path having count(*) > 1) again"
)
"""Calls that were settled twice."""

Open = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
Work = Callable[..., AbstractAsyncContextManager[Floor]]
Task = dict[str, object]


async def until(http: httpx.AsyncClient, mission: str, *states: str) -> dict[str, Any]:
    while True:
        seen: dict[str, Any] = (await http.get(f"/missions/{mission}")).json()
        if seen["state"] in states:
            return seen
        await asyncio.sleep(0.1)


async def submitted(http: httpx.AsyncClient, task: Task) -> str:
    mission: str = (await http.post("/submit", json=task)).json()["id"]
    return mission


async def test_the_seeds_task_is_worked_within_its_budget(
    opened: Open, working: Work, task: Task
) -> None:
    figures = Figures(Registry())
    async with working(figures=figures) as floor, opened(floor=floor, figures=figures) as http:
        mission = await submitted(http, task)
        seen = await until(http, mission, "passed", "failed", "stopped")
        assert (seen["state"], seen["simulated"]) == ("passed", True)
        assert 0 < seen["spent_tokens"] <= 5000
        sitrep = (await http.get(seen["links"]["sitrep"])).text
        assert "without acceptance commands" in sitrep
        assert (await http.get(seen["links"]["artifact"])).text.startswith("diff ")
        said = (await http.get("/metrics")).text
        assert f"hma_tokens_total {float(seen['spent_tokens'])}" in said


async def test_followed_missions_tell_their_journal_and_go_on_where_a_client_was_cut_off(
    opened: Open, working: Work, task: Task
) -> None:
    async with working() as floor, opened(floor=floor) as http:
        events = (await http.get(f"/missions/{await submitted(http, task)}/events")).text
        mission = (await http.get("/missions")).json()[0]
        place = mission["links"]["events"]
        ids = [line[4:] for line in events.splitlines() if line.startswith("id: ")]
        assert ids[-1].endswith(".end")
        assert "\nevent: Answer\n" in events
        half = ids[len(ids) // 2]
        rest = (await http.get(place, headers={"Last-Event-ID": half})).text
        more = [line[4:] for line in rest.splitlines() if line.startswith("id: ")]
        journal = [one for one in ids if one.isdecimal() and int(one) > int(half)]
        assert sorted(set(more) - {ids[-1]}) == sorted(set(journal))
        over = await http.get(place, headers={"Last-Event-ID": ids[-1]})
        assert over.status_code == 204


async def test_a_restart_goes_on_with_what_ran_and_begins_what_waited(
    opened: Open, working: Work, task: Task, database: Database
) -> None:
    wide = {**task, "total_budget_tokens": 100_000, "mode": "single"}
    async with opened() as http:  # wide: the call that was cut off stays charged at its worst case
        missions = [await submitted(http, wide) for _ in range(2)]
        async with working(latency=1.0, parallel=1):
            await until(http, missions[0], "running")
            await asyncio.sleep(0.5)
        states = [(await http.get(f"/missions/{one}")).json()["state"] for one in missions]
        assert states in (["waiting", "queued"], ["passed", "waiting"], ["passed", "queued"])
        async with working(parallel=1):
            for mission in missions:
                assert (await until(http, mission, "passed", "failed", "stopped"))[
                    "state"
                ] == "passed"
    assert await database.value(REPEATED) == 0


async def test_two_services_of_one_database_share_its_queue(
    opened: Open, working: Work, task: Task, database: Database
) -> None:
    async with opened() as http:
        missions = [await submitted(http, task) for _ in range(4)]
        async with working(parallel=2), working(parallel=2):
            for mission in missions:
                assert (await until(http, mission, "passed", "failed"))["state"] == "passed"
    assert await database.value(REPEATED) == 0


async def test_a_claim_of_a_dead_process_holds_nobody_up(
    opened: Open, working: Work, task: Task, database: Database
) -> None:
    async with opened() as http:
        mission = await submitted(http, task)
        await database.fetch(
            "update hekaton.submission set claimer = 'elsewhere/1/1/1',"
            " claimed_until = clock_timestamp() + interval '1.5 s'"
        )
        async with working():
            assert (await until(http, mission, "passed", "failed"))["state"] == "passed"


async def test_a_running_mission_is_cancelled(opened: Open, working: Work, task: Task) -> None:
    async with working(latency=30.0) as floor, opened(floor=floor) as http:
        mission = await submitted(http, task)
        await until(http, mission, "running")
        await http.post(f"/missions/{mission}/cancel")
        seen = await until(http, mission, "stopped", "passed", "failed")
        assert (seen["state"], seen["reason"]) == ("stopped", "cancelled by its client")


class Broken:
    """A staffing that has nobody to offer."""

    def __init__(self, fault: Exception) -> None:
        self.fault = fault
        self.asked = 0

    @asynccontextmanager
    async def office(self, record: Record) -> AsyncIterator[Office]:
        self.asked += 1
        raise self.fault
        yield  # what makes it a generator


@pytest.mark.parametrize(
    ("fault", "asked"), [(BadInput(["no such model"]), 1), (RuntimeError("a bug"), TRIES)],
    ids=["bad input", "a fault of ours"],
)  # fmt: skip
async def test_what_can_never_be_worked_fails_with_the_reason(
    opened: Open, working: Work, task: Task, fault: Exception, asked: int
) -> None:
    broken = Broken(fault)
    async with working(staffing=broken), opened() as http:
        mission = await submitted(http, task)
        seen = await until(http, mission, "failed")
        assert (str(fault) in seen["reason"], broken.asked) == (True, asked)
