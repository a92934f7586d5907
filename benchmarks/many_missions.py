"""Many missions at once on one team (seed gate G12): is any lost, does each get on, and what is gained against one at a time.

    .venv/bin/python benchmarks/many_missions.py

Whole missions in one process: broker, agents, ledger, journal in Postgres, git, sandbox; the models are
SIMULATED and answer after `--seconds`. Progress is read from the journals when half of the time is over.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from figures.report import Report, Table, load, machine, options, publish
from figures.server import Server, make, server
from modes import PLANS, book, mission, team

from hekaton_runtime.bench.ledger import held
from hekaton_runtime.conductor.naming import Override, endpoints
from hekaton_runtime.conductor.records import Options, Record, Simulation, create, new_id
from hekaton_runtime.conductor.staff import staffed
from hekaton_runtime.conductor.work import Office, work
from hekaton_runtime.journal.postgres import load as journal_of
from hekaton_runtime.models.simulated.server import serve
from hekaton_runtime.models.simulated.settings import SimulatedModel, SimulatedSettings
from hekaton_runtime.store.postgres import Database, connect

PLAN = "3 chains of 4"


@dataclass(frozen=True, slots=True)
class Span:
    """One mission: when it began and ended, and its journal's times; seconds since 1970."""

    mission: str
    state: str
    begun: float
    ended: float
    steps: tuple[float, ...]

    @property
    def wall(self) -> float:
        return self.ended - self.begun


@dataclass(frozen=True, slots=True)
class Row:
    """So many missions at once."""

    at_once: int
    missions: int
    passed: int
    wall: float
    """Seconds from the first beginning to the last end."""
    fastest: float
    slowest: float
    fairness: float
    """Jain's index of the steps done at half time: 1 where all have done the same, 1/n where one did all."""
    least: float
    """The least steps of a mission at half time, as a share of the most."""
    breaches: int

    @property
    def a_minute(self) -> float:
        return 60 * self.missions / self.wall


def jain(parts: Sequence[float]) -> float:
    """1 where all are equal."""
    squares = sum(part * part for part in parts)
    return sum(parts) ** 2 / (len(parts) * squares) if squares else 0.0


async def one(database: Database, bus: str, names: dict[str, str], home: str) -> Span:
    given, formation = mission("flat", PLANS[PLAN]), team()
    record = Record(
        new_id("parts"),
        given,
        formation,
        Options(home=home, simulation=Simulation()),
        int(time.time()),
    )
    begun = time.time()
    await create(database, record)
    never = asyncio.get_running_loop().create_future()
    done = await work(record, Office(database, bus, names), lambda event: None, never)
    ended = time.time()
    steps = tuple(entry.at for entry in await journal_of(database, record.id))
    return Span(record.id, done.ending.state, begun, ended, steps)


async def together(place: Server, many: int, waves: int, seconds: float, home: str) -> Row:
    """`many` at once, so often one after the other."""
    models = tuple(SimulatedModel(name, 1.0, seconds) for name in ("sim-strong", "sim-fast"))
    async with (
        connect(place.database("missions")) as database,
        serve(SimulatedSettings(models, book(PLANS[PLAN]))) as url,
    ):
        reached = endpoints(team().spec, Override(f"{url}/v1"), {})
        async with staffed(team().spec, reached, 16) as bus:
            names = {name: model.model for name, model in reached.items()}
            rounds = [
                await asyncio.gather(*(one(database, bus, names, home) for _ in range(many)))
                for _ in range(waves)
            ]
        spans = [span for one_round in rounds for span in one_round]
        proof = await held(database, [span.mission for span in spans])
    return row(many, rounds, spans, len(proof.breaches))


def row(many: int, rounds: list[list[Span]], spans: list[Span], breaches: int) -> Row:
    shares = [steps for one_round in rounds for steps in [at_half(one_round)]]
    return Row(
        many, len(spans), sum(span.state == "passed" for span in spans),
        sum(max(s.ended for s in r) - min(s.begun for s in r) for r in rounds),
        min(span.wall for span in spans), max(span.wall for span in spans),
        min(map(jain, shares)), min(min(share) / max(1, max(share)) for share in shares), breaches,
    )  # fmt: skip


def at_half(spans: Sequence[Span]) -> list[int]:
    """Steps that each has done when half of the time is over in which all are under way."""
    begun, first = min(span.begun for span in spans), min(span.ended for span in spans)
    half = (begun + first) / 2
    return [sum(at <= half for at in span.steps) for span in spans]


async def run(many: int, alone: int, seconds: float) -> Report:
    with server() as place, tempfile.TemporaryDirectory(prefix="hb-") as home:
        await make(place, "missions")
        rows = [
            await together(place, 1, alone, seconds, home),
            await together(place, many, 1, seconds, home),
        ]
    return report(rows, seconds)


def report(rows: list[Row], seconds: float) -> Report:
    lone, all_at_once = rows
    gain = all_at_once.a_minute / lone.a_minute
    lost = sum(one.missions - one.passed for one in rows)
    lines = tuple(
        (
            f"{one.at_once}", f"{one.passed}/{one.missions}", f"{one.wall:.1f} s", f"{one.a_minute:.1f}",
            f"{one.fastest:.1f} s", f"{one.slowest:.1f} s", f"{one.fairness:.3f}", f"{one.least:.0%}",
        )
        for one in rows
    )  # fmt: skip
    columns = ("missions at once", "passed", "wall", "a minute", "fastest", "slowest", "fairness at half time", "least against most")  # fmt: skip
    what = (
        f"SIMULATED workers of {seconds:g} s. Whole missions of mode flat ({PLAN}: 12 tasks) on one team in one process."
        " Fairness is Jain's index of the journal's steps at half time; 1 means that all have come equally far."
    )
    breaches = sum(one.breaches for one in rows)
    notes = (
        f"Lost: {lost} of {sum(one.missions for one in rows)} missions; budgets or accounts broken: {breaches}.",
        f"Throughput of {all_at_once.at_once} at once: {gain:.1f} times that of one at a time.",
    )
    plain: list[dict[str, Any]] = [
        {"at_once": one.at_once, "missions": one.missions, "passed": one.passed, "wall": one.wall,
         "fairness": one.fairness, "least": one.least, "breaches": one.breaches}
        for one in rows
    ]  # fmt: skip
    table = Table("SIMULATED: missions at once", columns, lines)
    return Report("many-missions-simulated", "Many missions at once", what, (table,), notes, {"rows": plain, "gain": gain})  # fmt: skip


def main() -> int:
    words = options(__doc__ or "")
    words.add_argument("--seconds", type=float, default=1.0, help="of each worker")
    words.add_argument("--missions", type=int, default=12, help="at once")
    words.add_argument("--alone", type=int, default=4, help="one after the other, to compare with")
    given = words.parse_args()
    before = load()
    made = asyncio.run(run(given.missions, given.alone, given.seconds))
    publish(made, machine(before), as_json=given.json, write=given.write)
    wrong = any(one["passed"] < one["missions"] or one["breaches"] for one in made.figures["rows"])  # type: ignore[attr-defined]
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
