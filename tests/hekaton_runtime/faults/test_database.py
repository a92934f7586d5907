"""PostgreSQL's connections are cut, it crashes and comes back, or stays away, while a mission runs."""

import asyncio
from collections.abc import Callable
from typing import Any

CUT = (
    "select pg_terminate_backend(pid) from pg_stat_activity"
    " where datname = current_database() and application_name = 'hekaton'"
)


def after(events: int) -> Callable[[Any], bool]:
    return lambda child: len(child.events) >= events


async def test_a_mission_does_not_notice_that_all_its_connections_are_cut_again_and_again(
    lab: Any, expected_tree: str
) -> None:
    child = await lab.run()
    cuts = 0
    while await child.until(after(2 + 4 * cuts)):
        await lab.sql(CUT)
        cuts += 1
    ended = await lab.ended(child)
    assert ended.code == 0, ended
    assert cuts >= 5
    await lab.check()
    states = await lab.sql("select distinct state from hekaton.call")
    assert [row["state"] for row in states] == ["settled"]
    assert await lab.tree() == expected_tree


async def test_a_mission_outlives_a_crash_of_the_database(
    open_lab: Any, server: Any, expected_tree: str
) -> None:
    async with open_lab(dsn=server.dsn) as lab:
        child = await lab.run()
        for events in (6, 24):
            assert await child.until(after(events))
            await asyncio.to_thread(server.crash)
            await asyncio.sleep(0.3)
            await asyncio.to_thread(server.start)
        ended = await lab.ended(child)
        assert ended.code == 0, ended
        await lab.check()
        assert await lab.tree() == expected_tree


async def test_a_mission_whose_database_stays_away_stops_with_code_3_and_goes_on_later(
    open_lab: Any, server: Any, expected_tree: str
) -> None:
    async with open_lab(dsn=server.dsn) as lab:
        lab.more = {"HEKATON_DB_PATIENCE": "1"}
        child = await lab.run()
        assert await child.until(after(10))
        await asyncio.to_thread(server.crash)
        ended = await lab.ended(child, 30.0)
        assert ended.code == 3
        assert "hekaton resume" in ended.errors
        assert "Traceback" not in ended.errors
        refused = await lab.call("resume", "duration-library", "--json")
        assert (refused.code, "Start it" in refused.errors) == (3, True), refused
        await asyncio.to_thread(server.start)
        resumed = await lab.call("resume", await lab.mission(), "--json")
        assert resumed.code == 0, resumed
        await lab.check()
        assert await lab.tree() == expected_tree
