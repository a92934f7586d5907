"""Wall time of flat and hierarchical missions against the critical path of their DAG, with workers of 1 s.

    .venv/bin/python benchmarks/modes.py

Whole missions: broker, agents, ledger, journal in Postgres, git, sandbox; the models are SIMULATED and
answer after exactly `--seconds`. The wall time of a plan is that from the plan's answer to its last merge.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from figures.report import ROOT, Report, Table, load, machine, options, publish
from figures.server import Server, make, server

from hekaton_api.formation import Formation
from hekaton_api.load import load as documents
from hekaton_api.mission import Mission
from hekaton_runtime.conductor.naming import Override, endpoints
from hekaton_runtime.conductor.records import Options, Record, Simulation, create, new_id
from hekaton_runtime.conductor.staff import staffed
from hekaton_runtime.conductor.work import Office, work
from hekaton_runtime.journal.entries import Entry as Journaled
from hekaton_runtime.journal.postgres import load as journal_of
from hekaton_runtime.models.simulated.book import Book, Entry
from hekaton_runtime.models.simulated.server import serve
from hekaton_runtime.models.simulated.settings import SimulatedModel, SimulatedSettings
from hekaton_runtime.results import Answer, Merged
from hekaton_runtime.store.postgres import connect

GOAL = "Write the parts."
PLANS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "5 in a row": {f"t{n}": ((f"t{n - 1}",) if n else ()) for n in range(5)},
    "12 at once": {f"t{n}": () for n in range(12)},
    "3 chains of 4": {
        f"t{c}{n}": ((f"t{c}{n - 1}",) if n else ()) for c in range(3) for n in range(4)
    },
    "diamonds": {
        "t0": (), "t1": ("t0",), "t2": ("t0",), "t3": ("t1", "t2"), "t4": ("t3",), "t5": ("t3",),
        "t6": ("t4", "t5"), "t7": (), "t8": ("t7",),
    },
}  # fmt: skip
"""Tasks and what each needs."""


@dataclass(frozen=True, slots=True)
class Row:
    plan: str
    mode: str
    tasks: int
    path: float
    """The critical path, seconds."""
    wall: float
    outcome: str

    @property
    def beyond(self) -> float:
        """By how much the wall time exceeds the path, as a share."""
        return self.wall / self.path - 1


def levels(plan: Mapping[str, tuple[str, ...]]) -> int:
    """Tasks on the longest chain."""
    deep: dict[str, int] = {}
    for name in TopologicalSorter(plan).static_order():
        deep[name] = 1 + max((deep[need] for need in plan[name]), default=0)
    return max(deep.values())


def book(plan: Mapping[str, tuple[str, ...]]) -> Book:
    tasks: list[dict[str, Any]] = [
        {
            "id": name,
            "goal": f"Write part {name} of it.",
            "files": [f"{name}.txt"],
            "needs": list(needs),
        }
        for name, needs in plan.items()
    ]
    rated = [{**task, "complexity": "MEDIUM"} for task in tasks]
    answers = {
        "plan": {"summary": "parts", "tasks": tasks},
        "charter": {"brief": "parts", "tasks": rated},
    }
    parts = [
        Entry(
            name,
            f"Write part {name} of it.",
            {"patch": {"files": [{"path": f"{name}.txt", "content": "right\n"}]}},
        )
        for name in plan
    ]
    return Book((Entry("whole", GOAL, answers), *parts))


def mission(mode: str, plan: Mapping[str, tuple[str, ...]]) -> Mission:
    spec = {
        "goal": GOAL, "formation": "simulated", "mode": mode,
        "workspace": {"files": [{"path": "README.md", "content": "empty\n"}]},
        "acceptance": {"commands": ["ls " + " ".join(f"{name}.txt" for name in plan)], "timeout": "1m"},
        "budget": {"tokens": 10_000_000, "usd": 500, "wallClock": "10m"},
    }  # fmt: skip
    kinds = {"apiVersion": "hekaton.dev/v1alpha1", "kind": "Mission"}
    return Mission.model_validate({**kinds, "metadata": {"name": "parts"}, "spec": spec})


def team() -> Formation:
    """The simulated formation without an auditor, and with builders enough for every plan."""
    given = documents(ROOT / "manifests" / "formations" / "simulated.yaml")[0]
    assert isinstance(given, Formation)
    roles = tuple(
        role.model_copy(update={"instances": 4})
        for role in given.spec.roles
        if role.role in ("sapper", "analyst")
    )
    return given.model_copy(update={"spec": given.spec.model_copy(update={"roles": roles})})


async def timed(place: Server, plan: str, mode: str, seconds: float, home: Path) -> Row:
    formation, given = team(), mission(mode, PLANS[plan])
    models = tuple(SimulatedModel(name, 1.0, seconds) for name in ("sim-strong", "sim-fast"))
    options = Options(home=str(home), simulation=Simulation(latency=seconds))
    record = Record(new_id("parts"), given, formation, options, int(time.time()))
    async with (
        connect(place.database("modes")) as database,
        serve(SimulatedSettings(models, book(PLANS[plan]))) as url,
    ):
        reached = endpoints(formation.spec, Override(f"{url}/v1"), {})
        async with staffed(formation.spec, reached) as bus:
            await create(database, record)
            office = Office(database, bus, {name: one.model for name, one in reached.items()})
            never = asyncio.get_running_loop().create_future()
            done = await work(record, office, lambda event: None, never)
        wall = between(await journal_of(database, record.id))
    tasks = PLANS[plan]
    return Row(plan, mode, len(tasks), levels(tasks) * seconds, wall, done.ending.state)


def between(entries: tuple[Journaled, ...]) -> float:
    """From the plan's answer to the last merge of a task."""
    planned = next(entry.at for entry in entries if isinstance(entry.body, Answer))
    merged = [
        entry.at for entry in entries if isinstance(entry.body, Merged) and "/task-" in entry.path
    ]
    return max(merged) - planned


async def run(plans: list[str], seconds: float, repeats: int) -> Report:
    rows = []
    with server() as place, tempfile.TemporaryDirectory(prefix="hb-") as home:
        await make(place, "modes")
        for plan in plans:
            for mode in ("flat", "hierarchical"):
                runs = [await timed(place, plan, mode, seconds, Path(home)) for _ in range(repeats)]
                rows.append(sorted(runs, key=lambda row: row.wall)[len(runs) // 2])
    return report(rows, seconds, repeats)


def report(rows: list[Row], seconds: float, repeats: int) -> Report:
    lines = tuple(
        (
            f"{row.plan}, {row.mode}", str(row.tasks), f"{row.path:.2f} s", f"{row.wall:.2f} s",
            f"{100 * row.beyond:+.1f} %", row.outcome,
        )
        for row in rows
    )  # fmt: skip
    columns = ("plan and mode", "tasks", "critical path", "wall", "beyond", "outcome")
    worst = max(row.beyond for row in rows)
    what = (
        f"SIMULATED workers of {seconds:g} s. From the plan's answer to the last merge, median of {repeats};"
        " the critical path is the longest chain of workers and counts nothing else."
    )
    note = f"Worst: {100 * worst:.1f} % beyond the critical path; promised: 5 %."
    table = Table("SIMULATED: wall time against the critical path", columns, lines)
    plain = [(row.plan, row.mode, row.path, row.wall, row.beyond) for row in rows]
    return Report(
        "modes-simulated", "Wall time of modes with a DAG", what, (table,), (note,), {"rows": plain}
    )


def main() -> int:
    words = options(__doc__ or "")
    words.add_argument("--seconds", type=float, default=1.0, help="of each worker")
    words.add_argument("--repeats", type=int, default=3)
    words.add_argument("--plans", nargs="+", choices=PLANS, default=list(PLANS), metavar="PLAN")
    given = words.parse_args()
    before = load()
    made = asyncio.run(run(given.plans, given.seconds, given.repeats))
    publish(made, machine(before), as_json=given.json, write=given.write)
    return 0


if __name__ == "__main__":
    sys.exit(main())
