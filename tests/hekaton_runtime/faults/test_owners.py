"""Two conductors on one mission: one owner, and the one that lost it writes nothing."""

import asyncio
import signal
from collections.abc import Callable
from typing import Any

import pytest

EVERYTHING = (
    "select md5(string_agg(t.row, '' order by t.row)) from ("
    " select j::text as row from hekaton.journal j union all select c::text from hekaton.call c"
    " union all select a::text from hekaton.account a union all select m::text from hekaton.mission m"
    " union all select l::text from hekaton.lease l) t"
)


def after(events: int) -> Callable[[Any], bool]:
    return lambda child: len(child.events) >= events


async def test_a_second_conductor_waits_and_then_refuses_while_the_first_goes_on(
    open_lab: Any, open_calls: str
) -> None:
    async with open_lab(seconds=80.0) as lab:  # the first is busy for longer than the second waits
        lab.more = {"HEKATON_LEASE": "1"}
        first = await lab.run()
        assert await first.until(after(3))
        under_way = await lab.sql(open_calls)
        second = await lab.call("resume", await lab.mission(), "--json")
        assert (second.code, second.events) == (2, ()), second
        assert "is being worked by" in second.errors
        assert first.process.returncode is None
        assert await lab.sql(open_calls) == under_way != []
        await lab.check()


@pytest.mark.parametrize(("stopped_at", "woken_at"), [(9, 1), (30, 1000)], ids=["early", "late"])
async def test_a_conductor_that_slept_beyond_its_lease_has_lost_the_mission_and_writes_nothing(
    open_lab: Any, stopped_at: int, woken_at: int, expected_tree: str
) -> None:
    async with open_lab(seconds=0.3) as lab:
        lab.more = {"HEKATON_LEASE": "1"}
        first = await lab.run()
        assert await first.until(after(stopped_at))
        first.send(signal.SIGSTOP)
        second = await lab.start("resume", await lab.mission(), "--json")
        await second.until(after(woken_at))  # or until it has ended
        before = (await lab.sql("select count(*) from hekaton.journal where token = 1"))[0]["count"]
        still = (await lab.sql(EVERYTHING))[0]["md5"] if second.process.returncode == 0 else ""
        first.send(signal.SIGCONT)
        lost, won = await asyncio.gather(lab.ended(first), lab.ended(second))
        assert (lost.code, won.code) == (3, 0), (lost, won)
        assert "Another conductor" in lost.errors
        rows = await lab.sql("select count(*) from hekaton.journal where token = 1")
        assert rows[0]["count"] == before
        assert still in ("", (await lab.sql(EVERYTHING))[0]["md5"])
        await lab.check()
        assert await lab.tree() == expected_tree
