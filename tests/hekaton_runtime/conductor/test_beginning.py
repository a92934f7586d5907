"""A mission that cannot begin leaves nothing; one whose acceptance cannot start says so at its end."""

from dataclasses import replace
from pathlib import Path

import asyncpg
import msgspec
import pytest

from hekaton_runtime.cli.documents import one_mission, shipped_missions
from hekaton_runtime.conductor.engine import Moment
from hekaton_runtime.conductor.records import Options, Record
from hekaton_runtime.conductor.starting import unstartable
from hekaton_runtime.conductor.work import begin, folder
from hekaton_runtime.effects import Run
from hekaton_runtime.errors import BadInput
from hekaton_runtime.results import Ran
from hekaton_runtime.store.postgres import Database


@pytest.fixture
def record(tmp_path: Path) -> Record:
    mission, formation = one_mission([shipped_missions() / "extend-tally.yaml"], "", "")
    return Record("tally-1", mission, formation, Options(home=str(tmp_path)), 1_700_000_000)


async def test_a_row_that_cannot_be_written_leaves_no_workspace(
    database: Database, record: Record
) -> None:
    """No text of PostgreSQL holds a NUL."""
    options = msgspec.structs.replace(record.options, model="a\0b")
    with pytest.raises(BadInput, match="NUL"):
        await begin(database, replace(record, options=options))
    assert not folder(record).exists()


async def test_a_row_whose_fate_nobody_knows_keeps_its_workspace(
    database: Database, record: Record
) -> None:
    """It may be there, and must be able to go on."""
    await database.fetch("alter table hekaton.mission rename to elsewhere")
    with pytest.raises(asyncpg.UndefinedTableError):
        await begin(database, record)
    assert (folder(record) / "workspace").is_dir()


async def test_a_mission_that_begins_has_its_workspace_and_its_row(
    database: Database, record: Record
) -> None:
    await begin(database, record)
    assert (folder(record) / "workspace").is_dir()
    assert await database.value("select id from hekaton.mission") == record.id


def ran(code: int, acceptance: bool = True) -> Moment:
    result = Ran(passed=not code, command="check it", exit_code=code, output="", seconds=1.0)
    effect = Run(branch="build", commands=("check it",), seconds=1.0, acceptance=acceptance)
    return Moment("/0", effect, result, 0.0)


@pytest.mark.parametrize(
    ("course", "said"),
    [
        ([ran(127)], "acceptance command 'check it' cannot start: not found"),
        ([ran(126)], "acceptance command 'check it' cannot start: no permission to execute it"),
        ([ran(1)], ""),
        ([ran(127), ran(1)], ""),
        ([ran(1), ran(127), ran(127, acceptance=False)], "'check it' cannot start"),
        ([ran(127, acceptance=False)], ""),
        ([], ""),
    ],
    ids=["absent", "closed", "failed", "there in the end", "gone in the end", "a check", "none"],
)
def test_only_the_last_run_of_acceptance_says_whether_it_could_start(
    course: list[Moment], said: str
) -> None:
    words = unstartable(course)
    assert said in words
    assert bool(said) == bool(words)
