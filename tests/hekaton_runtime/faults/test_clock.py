"""Clocks that jump: the lease is the database's, waiting is monotonic, and a mission has one owner."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from hekaton_runtime.conductor.lease import is_gone, keep, owner
from hekaton_runtime.errors import Fenced
from hekaton_runtime.journal.postgres import Journal
from hekaton_runtime.results import Noted
from hekaton_runtime.store.postgres import Database, connect

TAKE = "select hekaton.take($1, $2, 15, null)"
SHIFTED = """
create schema shifted;
create table shifted.by (seconds double precision not null);
insert into shifted.by values (0);
create function shifted.clock_timestamp() returns timestamptz language sql volatile as
$$ select pg_catalog.clock_timestamp() + make_interval(secs => (select seconds from shifted.by)) $$;
"""
DAY = 86_400.0
YEAR = 365 * DAY
CLOCK = "import time\nreal = time.time\ntime.time = lambda: real() + ({shift})\n"


@pytest.fixture
async def jumping(dsn: str) -> AsyncIterator[Database]:
    """A database whose own clock goes as a table says."""
    link = await asyncpg.connect(dsn)
    await link.execute(SHIFTED)
    name = await link.fetchval("select current_database()")
    await link.execute(f"alter database {name} set search_path = shifted, pg_catalog, public")
    await link.close()
    async with connect(dsn, patience=5.0) as database:
        yield database


async def jump(database: Database, seconds: float) -> None:
    await database.fetch("update shifted.by set seconds = $1", seconds)


async def mission(database: Database) -> str:
    await database.fetch(
        "insert into hekaton.mission (id, name, mode, document, formation) values ('m', 'm', 'single', '{}', '{}')"
    )
    return "m"


async def test_a_clock_of_the_database_that_jumps_ahead_fences_the_owner_it_takes_the_mission_from(
    jumping: Database,
) -> None:
    name = await mission(jumping)
    first = await jumping.value(TAKE, name, "one")
    assert await jumping.value(TAKE, name, "two") is None
    await jump(jumping, DAY)
    second = await jumping.value(TAKE, name, "two")
    assert second == first + 1
    with pytest.raises(Fenced):
        await Journal(jumping, name, first).append("/0", b"mark", Noted())
    with pytest.raises(Fenced):
        await keep(jumping, name, first, 0.03)
    await Journal(jumping, name, second).append("/0", b"mark", Noted())


async def test_a_clock_of_the_database_that_is_set_back_gives_nobody_the_mission_of_the_living(
    jumping: Database,
) -> None:
    name = await mission(jumping)
    first = await jumping.value(TAKE, name, "one")
    await jump(jumping, -DAY)
    assert await jumping.value(TAKE, name, "two") is None
    assert await jumping.value("select hekaton.renew($1, $2, 15)", name, first)
    await Journal(jumping, name, first).append("/0", b"mark", Noted())
    await jumping.fetch("select hekaton.give_up($1, $2)", name, first)
    assert await jumping.value(TAKE, name, "two") == first + 1


async def test_an_owner_of_another_time_namespace_is_not_taken_for_dead() -> None:
    host, boot, pid, started = owner().split("/")
    assert is_gone(f"{host}/{boot}/{pid}/{int(started) - 100_000}")
    elsewhere = boot.rpartition(".")[0] + ".4026531999"
    assert not is_gone(f"{host}/{elsewhere}/{pid}/{int(started) - 100_000}")


def shifted(lab: Any, seconds: float) -> None:
    """Processes started from now on have a wall clock that is off by so much."""
    folder = Path(lab.home) / f"clock{seconds:+.0f}"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(CLOCK.format(shift=seconds))
    lab.more = {"PYTHONPATH": str(folder), "HEKATON_LEASE": "1"}


async def test_conductors_whose_clocks_are_years_apart_have_one_owner_and_one_artifact(
    open_lab: Any, expected_tree: str
) -> None:
    async with open_lab(seconds=0.8) as lab:
        shifted(lab, YEAR)
        first = await lab.run()
        assert await first.until(lambda child: len(child.events) >= 3)
        shifted(lab, -YEAR)
        refused = await lab.call("resume", await lab.mission(), "--json")
        tokens = await lab.sql("select distinct token from hekaton.journal")
        ended = await lab.ended(first)
        assert ended.code == 0, ended
        assert (refused.code, refused.events) == (2, ()), refused
        assert [row["token"] for row in tokens] == [1]
        await lab.check()
        assert await lab.tree() == expected_tree


async def test_a_wall_clock_that_jumps_does_not_end_or_prolong_a_mission(
    open_lab: Any, altered: Any
) -> None:
    async with open_lab(seconds=0.05) as lab:
        shifted(lab, 10 * YEAR)
        passed = await lab.ended(await lab.run())
        assert (passed.code, passed.last["outcome"]) == (0, "passed"), passed
    async with open_lab(seconds=1.5) as lab:
        shifted(lab, -10 * YEAR)
        stopped = await lab.ended(await lab.run(altered(wallClock="2s")))
        assert (stopped.code, stopped.last["outcome"]) == (3, "stopped"), stopped
        assert "wall clock" in stopped.last["reason"]
