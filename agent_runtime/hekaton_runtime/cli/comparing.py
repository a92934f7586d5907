"""`hekaton compare`: the same tasks in several modes and formations at the same caps, judged as was written down before."""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from hekaton_api.errors import Invalid
from hekaton_api.formation import Formation
from hekaton_runtime.bench import dataset
from hekaton_runtime.bench.cases import fingerprint
from hekaton_runtime.bench.drafting import modes_of
from hekaton_runtime.bench.intervals import why_absent
from hekaton_runtime.bench.ledger import Held, held
from hekaton_runtime.bench.names import digest, slug
from hekaton_runtime.bench.rows import Row
from hekaton_runtime.bench.working import Left, Reader
from hekaton_runtime.cli.benchview import Bench, JsonLines, View, view
from hekaton_runtime.cli.documents import formation_named
from hekaton_runtime.cli.replaying import rerun
from hekaton_runtime.cli.staging import Hall, code, interruptible, read_back
from hekaton_runtime.compare.analysis import Result, analysed
from hekaton_runtime.compare.plan import Arguments, Plan, Trial, arm_names, drawn_up, trials
from hekaton_runtime.compare.verdicts import before, verdict
from hekaton_runtime.compare.writing import (
    Outcome,
    differences,
    json_bytes,
    quality,
    register,
    registered,
    write,
)
from hekaton_runtime.conductor.records import Options, Simulation
from hekaton_runtime.errors import BadInput
from hekaton_runtime.settings import Settings, from_environ
from hekaton_runtime.store.open import open_database

T = TypeVar("T")
MODES = "single,vote,debate,flat,swarm,hierarchical"
CAPS = "10000,20000,40000,80000"
"""Tokens; from what a single worker needs for a small task to what a swarm does."""


@dataclass(frozen=True, slots=True)
class Show:
    """What does not change a result."""

    parallel: int
    out: Path | None
    as_json: bool
    plain: bool


@dataclass(frozen=True, slots=True)
class Prepared:
    """A comparison, ready to be worked."""

    plan: Plan
    formations: tuple[Formation, ...]
    trials: tuple[Trial, ...]
    out: Path


def listed(text: str) -> tuple[str, ...]:
    """`a,b` -> both, each once."""
    return tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))


def caps_of(cap: int | None, caps: str) -> tuple[int, ...]:
    """Rising, each once; raises `BadInput`."""
    if cap is not None and caps:
        raise BadInput(["--cap, --caps: both given. Give one cap, or several by --caps."])
    if cap is not None:
        return (cap,)
    wrong = [word for word in listed(caps) if not word.isdecimal() or not int(word)]
    found = sorted({int(word) for word in listed(caps or CAPS) if word.isdecimal()})
    if wrong or not found:
        said = ", ".join(wrong) or caps
        raise BadInput([f"--caps: {said!r}. Give whole numbers of tokens, as {CAPS}."])
    return tuple(found)


def run_compare(arguments: Arguments, show: Show) -> int:
    """0 when every mission ended, 1 when a budget was broken, 3 when some are left; raises `BadInput`."""
    settings = from_environ()
    made = prepared(arguments, settings, show.out)
    register(made.out, made.plan)
    bench = Bench(made.plan.run, made.plan.title, made.plan.simulated, made.plan.missions, made.out)
    said = before(made.plan)
    if show.as_json:
        print(json.dumps({"type": "Planned", "run": made.plan.run, "missions": made.plan.missions, "detectable": made.plan.detectable, "before": said}), flush=True)  # fmt: skip
    else:
        print("\n".join(said), flush=True)
    return asyncio.run(_compare(settings, made, view(bench, show.as_json, show.plain), show))


def resumed(folder: Path, show: Show, *, alone: bool) -> int:
    """Go on with the comparison of a folder, with the arguments that it was begun with."""
    if not alone:
        raise BadInput(
            ["--resume: the folder says all. Leave out --tasks, --out and what belongs to them."]
        )
    plan = registered(folder)
    return run_compare(plan.arguments, Show(show.parallel, folder, show.as_json, show.plain))


def path_of(tasks: Path | None) -> str:
    """Of the file of tasks; raises `BadInput` where none is given."""
    if tasks is None:
        raise BadInput(["compare: give --tasks FILE, or --resume FOLDER."])
    return str(tasks.absolute())


def prepared(arguments: Arguments, settings: Settings, out: Path | None) -> Prepared:
    """Raises `BadInput` with every reason."""
    reasons = why_absent()
    problems = _tried(lambda: dataset.read(Path(arguments.tasks), "--tasks"), reasons) or ()
    _tried(lambda: modes_of(",".join(arguments.modes)), reasons)
    formations = tuple(
        one
        for name in arguments.formations
        if (one := _tried(lambda name=name: formation_named(name), reasons)) is not None  # type: ignore[misc]
    )
    names = [one.metadata.name for one in formations]
    arms = arm_names(names or arguments.formations, arguments.modes)
    reasons += _unfit(arguments, arms, names)
    if reasons:
        raise BadInput(reasons)
    problems = problems[: arguments.at_most or None]
    options = _options(arguments, settings)
    drafted = _tried(lambda: trials("any", arguments, formations, problems, options, 0), reasons)
    if drafted is None:
        raise BadInput(list(dict.fromkeys(reasons))[:10])
    shape = fingerprint([one.draft for one in drafted], formations[0], code())
    models = digest(*(one.model_dump_json() for one in formations))
    run = f"compare-{digest(shape, models, arguments.baseline, str(arguments.caps))}"
    title = _title(arguments, names, len(problems))
    plan = drawn_up(run, title, arguments, arms, tuple(one.task_id for one in problems))
    made = trials(run, arguments, formations, problems, options, int(time.time()))
    return Prepared(plan, formations, made, (out or Path("hekaton-compare") / run).absolute())


def _tried(call: Callable[[], T], reasons: list[str]) -> T | None:
    """What it gives; or None, and why, so that all faults are told at once."""
    try:
        return call()
    except BadInput as fault:
        reasons += fault.reasons
    except Invalid as fault:
        reasons += map(str, fault.findings)
    return None


def _unfit(arguments: Arguments, arms: Sequence[str], names: Sequence[str]) -> list[str]:
    reasons = []
    if not arguments.formations:
        reasons.append("--formations: nothing given. Give names or files, with commas between.")
    if len(set(names)) < len(names):
        reasons.append(f"--formations: {', '.join(names)}: one name twice. Give each its own.")
    if len(arms) < 2:
        reasons.append("--modes, --formations: one arm is nothing to compare. Give two or more.")
    if arguments.baseline and arguments.baseline not in arms:
        known = ", ".join(arms)
        reasons.append(f"--baseline: {arguments.baseline!r} is none of the arms: {known}.")
    if not arguments.simulate and (arguments.competence != 1.0 or arguments.latency):
        reasons.append("--competence, --latency: of simulated models only. Add --simulate.")
    if arguments.simulate and arguments.model:
        reasons.append("--simulate, --model: simulated or real. Give one of the two.")
    return reasons


def _options(arguments: Arguments, settings: Settings) -> Options:
    simulation = Simulation(
        competence=arguments.competence, seed=arguments.seed, latency=arguments.latency
    )
    return Options(
        home=str(settings.home), base_url=arguments.base_url, model=arguments.model,
        simulation=simulation if arguments.simulate else None, unsafe_no_sandbox=arguments.unsafe,
    )  # fmt: skip


def _title(arguments: Arguments, names: Sequence[str], tasks: int) -> str:
    source = Path(arguments.tasks).name.partition(".")[0]
    team = "formation" if len(names) == 1 else "formations"
    title = f"{slug(source)}: {tasks} task{'s' if tasks != 1 else ''}, {team} {', '.join(names)}"
    if not arguments.simulate:
        return title
    return f"{title}, SIMULATED models of competence {arguments.competence:g}"


async def _compare(settings: Settings, made: Prepared, looking: View, show: Show) -> int:
    interrupt = interruptible(f"`hekaton compare --resume {made.out}` goes on")
    async with open_database(settings) as database:
        with looking:
            known, pending = await read_back(
                Reader(database, rerun), [one.case for one in made.trials]
            )
            looking.read_back(known)
            hall = Hall(settings, database, looking, interrupt, show.parallel)
            fresh: list[Row | Left] = []
            for formation in made.formations:
                name = formation.metadata.name
                mine = [one for one in pending if one.record.formation.metadata.name == name]
                drafts = [
                    one.draft
                    for one in made.trials
                    if one.case.record.formation.metadata.name == name
                ]
                fresh += await hall.work(formation.spec, drafts, mine)
        rows = [*known, *(one for one in fresh if isinstance(one, Row))]
        proof = await held(database, [row.mission for row in rows])
    return _conclude(made, rows, [one for one in fresh if isinstance(one, Left)], proof, looking)


def _conclude(
    made: Prepared, rows: Sequence[Row], lefts: Sequence[Left], proof: Held, looking: View
) -> int:
    plan = made.plan
    found = {row.mission: row for row in rows}
    results = tuple(
        Result(one.arm, one.cap, found[one.case.record.id])
        for one in made.trials
        if one.case.record.id in found
    )
    simulated = plan.simulated or any(row.simulated for row in rows)
    seen = analysed(plan, results)
    title = plan.title if plan.simulated or not simulated else f"{plan.title}, SIMULATED models"
    title = (
        title if seen.complete else f"{title} (PARTIAL: {seen.tasks} of {len(plan.tasks)} tasks)"
    )
    end = Outcome(
        plan, title, simulated, seen, results, before(plan), verdict(plan, seen, simulated), str(proof)
    )  # fmt: skip
    files = write(made.out, end)
    again = len(lefts) + sum(row.resumable for row in rows)
    if isinstance(looking, JsonLines):
        whole = json.loads(json_bytes(end))
        print(json.dumps({"type": "Finished", **whole, "left": again, "held": not proof.breaches, "files": [*map(str, files)]}))  # fmt: skip
    else:
        _say(end, files, sorted({one.reason for one in lefts}), again)
    if proof.breaches:
        return 1
    return 3 if again else 0


def _say(end: Outcome, files: Sequence[Path], reasons: Sequence[str], again: int) -> None:
    for grid in (quality(end), differences(end)):
        print(f"\n{grid.text()}")
    print("\n" + "\n".join(end.verdict))
    print(f"\n{end.budget}")
    print("\n".join(map(str, files)))
    if again:
        print("\n".join(f"left: {reason.splitlines()[0]}" for reason in reasons if reason))
        folder = files[0].parent
        print(f"\nINTERRUPTED: {again} left. Go on: hekaton compare --resume {folder}")
