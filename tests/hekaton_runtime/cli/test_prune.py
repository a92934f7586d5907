"""`hekaton prune`: journals of missions that ended long ago go, everything that they cost stays."""

import asyncio
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hekaton_runtime.cli.pruning import age
from hekaton_runtime.errors import BadInput
from hekaton_runtime.store.embedded import embedded
from hekaton_runtime.store.postgres import Row, connect

Hekaton = Callable[..., "subprocess.CompletedProcess[str]"]
Sql = Callable[..., list[Row]]


@pytest.fixture
def sql(home: Path) -> Iterator[Sql]:
    """Ask the commands' own database."""
    with embedded(home) as dsn:

        async def ask(text: str, *args: object) -> list[Row]:
            async with connect(dsn) as database:
                return await database.fetch(text, *args)

        yield lambda text, *args: asyncio.run(ask(text, *args))


@pytest.fixture
def ended(hekaton: Hekaton, missions: Path, sql: Sql) -> str:
    """A mission that passed forty days ago."""
    said = hekaton(
        "run", missions / "extend-tally.yaml", "--mode", "single", "--simulate", "--json"
    )
    assert said.returncode == 0, said.stderr
    row = sql("select id from hekaton.mission order by created_at desc limit 1")[0]
    sql("update hekaton.mission set ended_at = now() - interval '40 days' where id = $1", row["id"])
    return str(row["id"])


def entries(sql: Sql, mission: str) -> int:
    return int(sql("select count(*) from hekaton.journal where mission_id = $1", mission)[0][0])


def test_an_old_mission_loses_its_journal_and_keeps_what_it_cost(
    hekaton: Hekaton, sql: Sql, ended: str
) -> None:
    before = json.loads(hekaton("show", ended, "--json").stdout)
    tried = hekaton("prune", "--older-than", "30d", "--dry-run")
    assert (tried.returncode, ended in tried.stdout, "would be" in tried.stdout) == (0, True, True)
    assert entries(sql, ended) > 0
    done = [json.loads(line) for line in hekaton("prune", "--json").stdout.splitlines()]
    assert [one["pruned"] for one in done if one["id"] == ended] == [True]
    assert entries(sql, ended) == 0
    assert json.loads(hekaton("show", ended, "--json").stdout) == before
    told = hekaton("replay", ended)
    assert told.returncode == 2
    assert "hekaton prune" in told.stderr
    assert ended not in hekaton("prune").stdout


@pytest.mark.parametrize(
    "change",
    ["ended_at = now()", "state = 'stopped', stop_kind = 'interrupted'", "state = 'running'"],
    ids=["young", "interrupted", "running"],
)
def test_a_young_or_resumable_mission_keeps_its_journal(
    hekaton: Hekaton, sql: Sql, ended: str, change: str
) -> None:
    sql(f"update hekaton.mission set {change} where id = $1", ended)
    assert hekaton("prune", "--older-than", "30d").returncode == 0
    assert entries(sql, ended) > 0


@pytest.mark.parametrize(
    ("text", "seconds"), [("30d", 2_592_000), ("12h", 43_200), ("1d12h", 129_600), ("0d", 0)]
)
def test_an_age_is_days_or_a_duration(text: str, seconds: int) -> None:
    assert age(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "-1d", "3 d", "1d1d"])
def test_an_age_that_is_none_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(BadInput, match="30d"):
        age(text)
