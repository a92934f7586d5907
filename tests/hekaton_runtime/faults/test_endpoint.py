"""An endpoint that misbehaves in every known way: an honest ending, never over the cap, every bill accounted for."""

import asyncio
from typing import Any

import pytest

from hekaton_runtime.conductor.asking import Patience
from hekaton_runtime.models.simulated.faults import Fault, FaultKind, Faults

SHORT = Patience(call=1.5, endpoint=4.0, nap=0.05)


@pytest.mark.parametrize(
    "kind",
    ["cut", "busy", "error", "garbage", "truncated_json", "wrong_schema", "huge", "no_usage"],
)
async def test_a_mission_comes_to_an_honest_end_whatever_the_endpoint_does(
    open_lab: Any, conduct: Any, kind: FaultKind, open_calls: str
) -> None:
    faults = Faults((Fault(kind, rate=0.2, size=9 * 2**20),), seed=5)
    async with open_lab(seconds=0.01, faults=faults) as lab:
        finished = await conduct(lab, SHORT)
        assert finished.ending.state in ("passed", "failed", "stopped")
        assert await lab.state() == (finished.ending.state, finished.ending.kind)
        assert await lab.sql(open_calls) == []
        await lab.check()


async def test_calls_that_hang_are_given_up_charged_at_their_reservation_and_asked_again(
    open_lab: Any, conduct: Any, open_calls: str
) -> None:
    faults = Faults((Fault("hang", requests=(1, 12)),))
    async with open_lab(seconds=0.01, faults=faults) as lab:
        finished = await conduct(lab, SHORT)
        assert finished.ending.state == "passed", finished.ending
        states = await lab.sql("select state, count(*) from hekaton.call group by 1")
        assert dict(map(tuple, states))["unknown"] == 2
        assert await lab.sql(open_calls) == []
        await lab.check()


async def test_an_endpoint_that_only_hangs_costs_three_reservations_and_fails_the_mission(
    open_lab: Any, conduct: Any
) -> None:
    async with open_lab(faults=Faults((Fault("hang", rate=1.0),))) as lab:
        finished = await conduct(lab, SHORT)
        assert finished.ending.state == "failed"
        rows = await lab.sql("select state, count(*) from hekaton.call group by 1")
        assert dict(map(tuple, rows)) == {"unknown": 3}
        await lab.check()


async def test_an_endpoint_that_refuses_everything_stops_the_mission_resumable_and_costs_nothing(
    open_lab: Any, conduct: Any, open_calls: str
) -> None:
    async with open_lab(faults=Faults((Fault("busy", rate=1.0),))) as lab:
        async with asyncio.timeout(60):
            finished = await conduct(lab, Patience(call=30, endpoint=0.5, nap=0.05))
        assert (finished.ending.state, finished.ending.kind) == ("stopped", "unavailable")
        assert "429" in finished.ending.reason
        assert finished.ending.resumable
        assert await lab.sql(open_calls) == []
        assert finished.report.budget.tokens.spent == 0
        assert await lab.billed() == ()


async def test_a_debate_round_that_finds_no_endpoint_at_all_is_held_again_when_there_is_one(
    open_lab: Any, conduct: Any, expected_tree: str
) -> None:
    away = Fault("busy", requests=tuple(range(5, 30)))  # five tries of each of the five seats
    async with open_lab(seconds=0.01, faults=Faults((away,))) as lab:
        finished = await conduct(lab, Patience(call=60, endpoint=60, nap=0.05))
        assert finished.ending.state == "passed", finished.ending
        rows = await lab.sql("select count(*) from hekaton.call where state = 'released'")
        assert rows[0]["count"] == 5
        await lab.check()
        assert await lab.tree() == expected_tree
