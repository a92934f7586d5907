"""`hekaton bench`: tasks as missions, side by side on one team, resumable, with an honest table at the end."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

from hekaton_api.formation import Formation
from hekaton_api.mission import Mission
from hekaton_runtime.bench import dataset
from hekaton_runtime.bench.cases import Case, Draft, cases, fingerprint
from hekaton_runtime.bench.drafting import (
    Setting,
    Shipped,
    from_dataset,
    from_missions,
    limited,
    modes_of,
)
from hekaton_runtime.bench.intervals import why_absent
from hekaton_runtime.bench.ledger import Held, held
from hekaton_runtime.bench.missions import Caps
from hekaton_runtime.bench.names import checked_run, slug
from hekaton_runtime.bench.rows import Row
from hekaton_runtime.bench.summary import summaries
from hekaton_runtime.bench.working import Left, Reader
from hekaton_runtime.bench.writing import About, write
from hekaton_runtime.cli.benchview import Bench, Closing, View, conclude, view
from hekaton_runtime.cli.documents import formation_named, read, shipped_missions
from hekaton_runtime.cli.replaying import rerun
from hekaton_runtime.cli.staging import Hall, code, interruptible, read_back
from hekaton_runtime.conductor.records import Options, Simulation
from hekaton_runtime.errors import BadInput
from hekaton_runtime.settings import Settings, from_environ
from hekaton_runtime.store.open import open_database

LEVEL_1 = ("extend-tally",)
SEEDS = {1: 1, 2: 1, 3: 3}
"""How many, by level."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The command line of `bench`."""

    level: int
    """0 where a dataset is given."""
    dataset: Path | None
    modes: str
    """Empty: what the level says, or both."""
    formation: str
    base_url: str
    model: str
    simulate: bool
    competence: float
    seed: int
    latency: float
    parallel: int
    limit: int
    """0: all tasks."""
    max_loops: int | None
    tokens: int | None
    usd: str
    out: Path | None
    run: str
    unsafe: bool
    as_json: bool
    plain: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """A run, ready to be worked."""

    bench: Bench
    formation: Formation
    drafts: tuple[Draft, ...]
    cases: tuple[Case, ...]
    parallel: int


def run_bench(wanted: Wanted) -> int:
    """0 when every task ended, 1 when a budget was broken, 3 when some are left; raises `BadInput`."""
    settings = from_environ()
    plan = planned(wanted, settings)
    try:
        plan.bench.out.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        said = f"--out: {plan.bench.out}: {fault.strerror}. Give a folder that can be written."
        raise BadInput([said]) from fault
    return asyncio.run(_bench(settings, plan, view(plan.bench, wanted.as_json, wanted.plain)))


def planned(wanted: Wanted, settings: Settings) -> Plan:
    """Raises `BadInput` with what cannot be used."""
    if bool(wanted.level) == (wanted.dataset is not None):
        raise BadInput(["bench: give either --level 1, 2 or 3, or --dataset FILE."])
    if reasons := why_absent():
        raise BadInput(reasons)
    formation = formation_named(wanted.formation)
    drafts = _drafts(wanted, formation, settings)
    source = (
        slug(wanted.dataset.name.partition(".")[0], 24)
        if wanted.dataset
        else f"level-{wanted.level}"
    )
    if wanted.run:
        run = checked_run(wanted.run)
    else:
        run = f"{source}-{fingerprint(drafts, formation, code())}"
    drafts = limited(drafts, wanted.limit)
    made = cases(run, drafts, formation, int(time.time()))
    out = (wanted.out or Path("hekaton-bench") / run).absolute()
    bench = Bench(run, _title(wanted, formation, drafts), wanted.simulate, len(made), out)
    return Plan(bench, formation, drafts, made, wanted.parallel)


def _drafts(wanted: Wanted, formation: Formation, settings: Settings) -> tuple[Draft, ...]:
    simulation = (
        Simulation(competence=wanted.competence, seed=wanted.seed, latency=wanted.latency)
        if wanted.simulate
        else None
    )
    options = Options(
        home=str(settings.home), base_url=wanted.base_url, model=wanted.model, simulation=simulation,
        unsafe_no_sandbox=wanted.unsafe,
    )  # fmt: skip
    setting = Setting(
        formation,
        modes_of(wanted.modes or ("single" if wanted.level == 1 else "single,swarm")),
        tuple(range(wanted.seed, wanted.seed + SEEDS.get(wanted.level, 1))),
        Caps(wanted.tokens, _usd(wanted.usd), wanted.max_loops),
        options,
    )
    if wanted.dataset:
        return from_dataset(dataset.read(wanted.dataset), setting)
    return from_missions(_shipped(wanted.level), setting)


def _usd(text: str) -> Decimal | None:
    try:
        return Decimal(text) if text else None
    except InvalidOperation as fault:
        raise BadInput(
            [f"--budget-usd: {text!r} is no amount. Give dollars, e.g. 0.50."]
        ) from fault


def _shipped(level: int) -> tuple[Shipped, ...]:
    found = []
    for path in sorted(shipped_missions().glob("*.yaml")):
        if path.name.endswith(".book.yaml") or (level == 1 and path.stem not in LEVEL_1):
            continue
        book = path.with_suffix(".book.yaml")
        text = book.read_text() if book.exists() else ""
        found += [Shipped(one, text) for one in read([path]) if isinstance(one, Mission)]
    return tuple(found)


def _title(wanted: Wanted, formation: Formation, drafts: Sequence[Draft]) -> str:
    source = wanted.dataset.name if wanted.dataset else f"level {wanted.level}"
    tasks = len({draft.task for draft in drafts})
    seeds = sorted({draft.seed for draft in drafts})
    title = (
        f"{source}: {tasks} task{'s' if tasks != 1 else ''}, formation {formation.metadata.name}"
    )
    if not wanted.simulate:
        return title
    shown = f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {seeds[0]} to {seeds[-1]}"
    return f"{title}, SIMULATED models of competence {wanted.competence:g}, {shown}"


async def _bench(settings: Settings, plan: Plan, looking: View) -> int:
    interrupt = interruptible("the same bench, run again, goes on")
    started = time.monotonic()
    async with open_database(settings) as database:
        reader = Reader(database, rerun)
        with looking:
            known, pending = await read_back(reader, plan.cases)
            looking.read_back(known)
            hall = Hall(settings, database, looking, interrupt, plan.parallel)
            fresh = await hall.work(plan.formation.spec, plan.drafts, pending)
        rows = _in_order(plan.cases, [*known, *(one for one in fresh if isinstance(one, Row))])
        lefts = tuple(one for one in fresh if isinstance(one, Left))
        proof = await held(database, [row.mission for row in rows])
    pace = len(fresh) - len(lefts), time.monotonic() - started
    return _conclude(plan, rows, lefts, proof, pace, looking)


def _in_order(wanted: Sequence[Case], found: Sequence[Row]) -> tuple[Row, ...]:
    rows = {row.mission: row for row in found}
    return tuple(rows[case.record.id] for case in wanted if case.record.id in rows)


def _conclude(
    plan: Plan, rows: tuple[Row, ...], lefts: tuple[Left, ...], proof: Held, pace: tuple[int, float],
    looking: View,
) -> int:  # fmt: skip
    bench, modes = plan.bench, summaries(rows)
    simulated = bench.simulated or any(row.simulated for row in rows)
    title = bench.title if bench.simulated or not simulated else f"{bench.title}, SIMULATED models"
    if lefts:
        title += f" (PARTIAL: {len(rows)} of {bench.missions})"
    formation = plan.formation.metadata.name
    about = About(bench.run, title, formation, simulated, not lefts, str(proof))
    files = write(bench.out, about, modes, rows)
    end = Closing(title, modes, rows, lefts, proof, *pace, files)
    conclude(looking, end)
    if proof.breaches:
        return 1
    return 3 if end.again else 0
