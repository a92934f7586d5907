"""Every way to stop a mission: signals, the kill switch, the budget, the wall clock."""

import asyncio
import signal
from collections.abc import Callable
from typing import Any

import pytest

LAST = "select distinct xmin::text from hekaton.journal where path like '!%'"


def after(events: int) -> Callable[[Any], bool]:
    return lambda child: len(child.events) >= events


@pytest.mark.parametrize(
    ("number", "events"),
    [(signal.SIGINT, 9), (signal.SIGTERM, 35)],
    ids=["in-a-round", "while-building"],
)
async def test_a_signal_stops_the_mission_with_code_3_and_it_can_be_resumed(
    lab: Any, number: int, events: int, expected_tree: str, open_calls: str
) -> None:
    child = await lab.run()
    assert await child.until(after(events))
    child.send(number)
    ended = await lab.ended(child, 30.0)
    assert (ended.code, ended.last["outcome"]) == (3, "stopped"), ended
    assert await lab.state() == ("stopped", "interrupted")
    assert await lab.sql(open_calls) == []
    await lab.check()
    resumed = await lab.call("resume", await lab.mission(), "--json")
    assert resumed.code == 0, resumed
    await lab.check()
    assert await lab.tree() == expected_tree


@pytest.mark.parametrize("events", [9, 33])
async def test_a_killed_mission_spends_nothing_more_and_stays_dead(
    open_lab: Any, events: int, open_calls: str
) -> None:
    async with open_lab(seconds=0.5) as lab:
        child = await lab.run()
        assert await child.until(after(events))
        mission = await lab.mission()
        killed = await lab.call("kill", mission)
        assert killed.code == 0, killed
        ended = await lab.ended(child, 30.0)
        assert ended.code == 3
        assert await lab.state() == ("stopped", "killed")
        assert await lab.sql(open_calls) == []
        assert len(await lab.sql(LAST)) == 1, "the closing entries came in several commits"
        await asyncio.sleep(0.3)
        billed = await lab.billed()
        await asyncio.sleep(0.7)
        assert await lab.billed() == billed
        await lab.check()
        again = await lab.call("resume", mission, "--json")
        assert (again.code, "had ended already" in again.last["reason"]) == (3, True), again


async def test_a_mission_whose_conductor_crashed_can_be_killed_and_leaves_no_call_open(
    open_lab: Any, open_calls: str
) -> None:
    async with open_lab(seconds=1.0) as lab:
        child = await lab.run()
        assert await child.until(after(3))
        child.send(signal.SIGKILL)
        await lab.ended(child)
        assert await lab.sql(open_calls) != []
        killed = await lab.call("kill", await lab.mission())
        assert killed.code == 0, killed
        assert await lab.state() == ("stopped", "killed")
        assert await lab.sql(open_calls) == []
        await lab.check()


@pytest.mark.parametrize("tokens", [1000, 16_000, 40_000])
async def test_a_budget_that_is_too_small_stops_the_mission_with_its_arithmetic(
    lab: Any, altered: Callable[..., Any], tokens: int, open_calls: str
) -> None:
    ended = await lab.ended(await lab.run(altered(tokens=str(tokens))), 60.0)
    assert (ended.code, ended.last["outcome"]) == (3, "stopped"), ended
    assert "tokens and $" in ended.last["reason"]
    assert "the call needs up to" in ended.last["reason"]
    assert await lab.state() == ("stopped", "budget")
    assert await lab.sql(open_calls) == []
    assert ended.last["tokens"] <= tokens
    await lab.check()


async def test_a_mission_whose_time_is_over_stops_with_code_3_for_good(
    open_lab: Any, altered: Callable[..., Any], open_calls: str
) -> None:
    async with open_lab(seconds=1.5) as lab:
        ended = await lab.ended(await lab.run(altered(wallClock="2s")), 60.0)
        assert (ended.code, ended.last["outcome"]) == (3, "stopped"), ended
        assert "wall clock" in ended.last["reason"]
        assert await lab.state() == ("stopped", "time")
        assert await lab.sql(open_calls) == []
        await lab.check()
        assert (await lab.call("resume", await lab.mission())).code == 3
