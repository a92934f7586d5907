"""Progress from a real PostgreSQL: heard by notification, read in batches, kept over a lost connection."""

import asyncio
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from hekaton_operator.errors import Away
from hekaton_operator.mirror import Mirror, Rhythm
from hekaton_operator.settings import Server
from hekaton_runtime.store.embedded import embedded
from hekaton_runtime.store.postgres import Database, connect

QUICK = Rhythm(batch=0.02, poll=30.0, away=0.05)


@pytest.fixture(scope="module")
def dsn() -> Iterator[str]:
    home = Path(tempfile.mkdtemp(prefix="hk-", dir="/tmp"))
    home.chmod(0o755)
    try:
        with embedded(home) as given:
            yield given
    finally:
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[Database]:
    async with connect(dsn, patience=5.0) as opened:
        yield opened


@pytest.fixture
async def mirror(dsn: str, database: Database) -> AsyncIterator[Mirror]:
    parts = urlsplit(dsn)
    host = parse_qs(parts.query)["host"][0]
    made = Mirror(Server(host, 5432, parts.path[1:], parts.username or ""), QUICK)
    task = asyncio.create_task(made.run())
    async with asyncio.timeout(30):
        while not made.up:
            await asyncio.sleep(0.02)
    yield made
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await made.close()


@pytest.fixture
async def mission(database: Database) -> str:
    name = str(uuid.uuid4())
    await database.fetch(
        "insert into hekaton.mission (id, name, mode, document, formation) values ($1, $1, 'single', '{}', '{}')",
        name,
    )
    return name


async def phase(mirror: Mirror, mission: str, wanted: str) -> None:
    async with asyncio.timeout(20):
        while (row := mirror.row(mission)) is None or row.phase != wanted:
            await asyncio.sleep(0.02)


async def test_a_change_is_heard_and_told(mirror: Mirror, database: Database, mission: str) -> None:
    told: list[str] = []
    mirror.watch(told.append)
    await phase(mirror, mission, "")
    await database.fetch("update hekaton.mission set phase = 'build' where id = $1", mission)
    await phase(mirror, mission, "build")
    assert set(told) == {mission}


async def test_missions_that_nobody_asked_for_are_not_kept(
    mirror: Mirror, database: Database, mission: str
) -> None:
    other = str(uuid.uuid4())
    await phase(mirror, mission, "")
    await database.fetch("update hekaton.mission set phase = 'x' where id = $1", mission)
    await phase(mirror, mission, "x")
    assert mirror.row(other) is None


async def test_many_changes_are_few_reads(mirror: Mirror, database: Database, mission: str) -> None:
    await phase(mirror, mission, "")
    before = mirror.batches
    for number in range(50):
        await database.fetch(
            "update hekaton.mission set phase = $2 where id = $1", mission, str(number)
        )
    await phase(mirror, mission, "49")
    assert mirror.batches - before <= 50


async def test_a_cut_connection_is_made_again(
    mirror: Mirror, database: Database, mission: str
) -> None:
    await phase(mirror, mission, "")
    await database.fetch(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where pid <> pg_backend_pid() and query ilike 'listen%'"
    )
    await database.fetch("update hekaton.mission set phase = 'later' where id = $1", mission)
    await phase(mirror, mission, "later")
    row = mirror.row(mission)
    assert row is not None
    assert row.phase == "later"


async def test_a_halt_and_papers_go_through(
    mirror: Mirror, database: Database, mission: str
) -> None:
    await mirror.halt(mission, "spec.cancel")
    assert (
        await database.value("select halt from hekaton.mission where id = $1", mission)
        == "spec.cancel"
    )
    await database.fetch("insert into hekaton.paper values ($1, 'SITREP.md', $2)", mission, b"# S")
    assert [(p.name, p.content) for p in await mirror.papers(mission)] == [("SITREP.md", b"# S")]


async def test_a_database_that_is_away_is_said_so_without_its_password() -> None:
    mirror = Mirror(Server("127.0.0.1", 9, password="pw-1"), QUICK)
    with pytest.raises(Away) as fault:
        await mirror.prime(["x"])
    assert "pw-1" not in str(fault.value)
