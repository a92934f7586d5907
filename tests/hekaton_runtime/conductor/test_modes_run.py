"""Every mode through the real conductor: broker, agents, simulated models, ledger, git, sandbox, journal, replay."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from hekaton_api.formation import Formation
from hekaton_api.load import load
from hekaton_api.mission import Mission
from hekaton_runtime.cli.replaying import rerun, verify_transcripts
from hekaton_runtime.conductor.naming import Override, endpoints
from hekaton_runtime.conductor.records import Options, Record, Simulation, create, new_id
from hekaton_runtime.conductor.staff import staffed
from hekaton_runtime.conductor.work import Finished, Office, work
from hekaton_runtime.journal.entries import Labelled
from hekaton_runtime.journal.postgres import load as journal_of
from hekaton_runtime.models.simulated.book import Book, Entry
from hekaton_runtime.models.simulated.server import serve
from hekaton_runtime.models.simulated.settings import SimulatedModel, SimulatedSettings
from hekaton_runtime.store.postgres import Database
from hekaton_runtime.strategies.modes import MODES

FORMATIONS = Path(__file__).resolve().parents[3] / "manifests" / "formations"
GOAL = "Write one and two."


def task(name: str, complexity: str, *needs: str) -> dict[str, Any]:
    goal = f"Write the file {name}."
    files = [f"{name}.txt"]
    return {"id": name, "goal": goal, "files": files, "needs": needs, "complexity": complexity}


def patch(*names: str) -> dict[str, Any]:
    return {"files": [{"path": f"{name}.txt", "content": "right\n"} for name in names]}


TASKS = [task("one", "LOW"), task("two", "HIGH")]
BOOK = Book(
    (
        Entry(
            "whole",
            GOAL,
            {
                "patch": patch("one", "two"),
                "plan": {"summary": "two files", "tasks": [{k: v for k, v in t.items() if k != "complexity"} for t in TASKS]},
                "design": {"summary": "two files", "tasks": [{k: v for k, v in t.items() if k != "complexity"} for t in TASKS]},
                "charter": {"brief": "two files", "tasks": TASKS},
            },
        ),
        Entry("one", "Write the file one.", {"patch": patch("one"), "reasoned": {"reasoning": ["r"], **patch("one")}}),
        Entry("two", "Write the file two.", {"patch": patch("two"), "reasoned": {"reasoning": ["r"], **patch("two")}}),
    )
)  # fmt: skip
Conduct = Callable[..., Awaitable[tuple[Finished, Record]]]


def mission(mode: str) -> Mission:
    return Mission.model_validate(
        {
            "apiVersion": "hekaton.dev/v1alpha1",
            "kind": "Mission",
            "metadata": {"name": "two-files"},
            "spec": {
                "goal": GOAL, "formation": "simulated", "mode": mode,
                "workspace": {"files": [{"path": "README.md", "content": "empty\n"}]},
                "acceptance": {"commands": ["grep -q right one.txt two.txt"], "timeout": "1m"},
                "budget": {"tokens": 400000, "usd": 5, "wallClock": "5m"},
                "review": {"maxLoops": 1},
            },
        }
    )  # fmt: skip


@pytest.fixture
async def conduct(database: Database, tmp_path: Path) -> Conduct:
    formation = load(FORMATIONS / "simulated.yaml")[0]
    assert isinstance(formation, Formation)

    async def conducted(mode: str, competence: float = 1.0) -> tuple[Finished, Record]:
        models = tuple(SimulatedModel(name, competence) for name in ("sim-strong", "sim-fast"))
        options = Options(home=str(tmp_path), simulation=Simulation(competence=competence))
        given = mission(mode)
        record = Record(new_id("two-files"), given, formation, options, int(time.time()))
        async with serve(SimulatedSettings(models, BOOK)) as url:
            reached = endpoints(formation.spec, Override(f"{url}/v1"), {})
            async with staffed(formation.spec, reached) as bus:
                await create(database, record)
                office = Office(database, bus, {name: one.model for name, one in reached.items()})
                never = asyncio.get_running_loop().create_future()
                return await work(record, office, lambda event: None, never), record

    return conducted


@pytest.mark.parametrize("mode", MODES)
async def test_a_mode_works_a_mission_to_its_end_and_replays(
    conduct: Conduct, database: Database, mode: str
) -> None:
    done, record = await conduct(mode)
    assert (done.ending.state, done.ending.reason) == ("passed", done.ending.conclusion.reason)
    assert done.report.mode == mode
    assert 0 < done.report.budget.tokens.spent <= 400_000
    course, again = await rerun(record, await journal_of(database, record.id))
    assert again == done.ending.conclusion
    verify_transcripts(course.moments)
    assert (done.folder / "SITREP.md").read_text().startswith("> **SIMULATED:**")


@pytest.mark.parametrize("mode", ["debate", "hierarchical"])
async def test_a_mission_that_fails_is_labelled_in_journal_and_report(
    conduct: Conduct, database: Database, mode: str
) -> None:
    done, record = await conduct(mode, competence=0.0)
    assert done.ending.state == "failed"
    entries = await journal_of(database, record.id)
    journaled = [
        one for entry in entries if isinstance(entry.body, Labelled) for one in entry.body.labels
    ]
    assert journaled == list(done.report.labels) != []
    _, again = await rerun(record, entries)
    assert again == done.ending.conclusion


async def test_a_hierarchy_divides_exactly_what_the_ledger_has(
    conduct: Conduct, database: Database
) -> None:
    _, record = await conduct("hierarchical")
    rows = await database.fetch(
        "select path, cap_tokens, spent_tokens, reserved_tokens from hekaton.account"
        " where mission_id = $1 and cap_tokens is not null",
        record.id,
    )
    caps = {row["path"]: row["cap_tokens"] for row in rows}
    assert {"", "task-one", "task-two", "reduce"} == set(caps)
    assert caps["task-one"] < caps["task-two"]
    assert sum(cap for path, cap in caps.items() if path) <= caps[""]
    assert all(row["spent_tokens"] + row["reserved_tokens"] <= row["cap_tokens"] for row in rows)
