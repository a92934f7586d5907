"""A comparison as it is written down before it begins: nothing of it can be chosen after the results. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import msgspec

from hekaton_api.formation import Formation
from hekaton_runtime.bench.cases import Case, Draft, cases
from hekaton_runtime.bench.dataset import Problem
from hekaton_runtime.bench.drafting import Setting, from_dataset
from hekaton_runtime.bench.missions import Caps
from hekaton_runtime.compare.statistics import ALPHA, DISCORDANCE, POWER, detectable
from hekaton_runtime.conductor.records import Options
from hekaton_runtime.service.drafting import most_usd, thrifty

FORMAT = "hekaton.dev/compare/v1"
MARGIN = 0.02
"""Differences within this, as a share, count as none."""


class Arguments(msgspec.Struct, frozen=True, kw_only=True):
    """Everything of the command line that can change a result; the same again on resume."""

    tasks: str
    """Path of the file."""
    modes: tuple[str, ...]
    formations: tuple[str, ...]
    caps: tuple[int, ...]
    """Tokens of each mission, rising; the verdict is about the last."""
    baseline: str = ""
    """Name of the arm that the others are compared with; empty: the first."""
    at_most: int = 0
    """Tasks; 0: all."""
    seed: int = 0
    seeds: int = 1
    """Runs of each task in each arm."""
    simulate: bool = False
    competence: float = 1.0
    latency: float = 0.0
    base_url: str = ""
    model: str = ""
    max_loops: int | None = None
    unsafe: bool = False


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What plan.json holds."""

    format: str = FORMAT
    run: str
    """Name: a digest of all that can change a result."""
    title: str
    simulated: bool
    tasks: tuple[str, ...]
    arms: tuple[str, ...]
    baseline: str
    caps: tuple[int, ...]
    seed: int
    seeds: int
    alpha: float = ALPHA
    power: float = POWER
    discordance: float = DISCORDANCE
    margin: float = MARGIN
    detectable: float | None
    """Least difference, a share, that is found with `power` if `discordance` of the tasks differ."""
    arguments: Arguments

    @property
    def others(self) -> tuple[str, ...]:
        """The arms that are compared with the baseline."""
        return tuple(arm for arm in self.arms if arm != self.baseline)

    @property
    def missions(self) -> int:
        return len(self.tasks) * len(self.arms) * len(self.caps) * self.seeds


@dataclass(frozen=True, slots=True)
class Trial:
    """One task in one arm at one cap with one seed, as a mission."""

    arm: str
    cap: int
    case: Case
    draft: Draft


def arm_names(formations: Sequence[str], modes: Sequence[str]) -> tuple[str, ...]:
    """A mode's name is enough where there is one formation."""
    if len(formations) == 1:
        return tuple(modes)
    return tuple(f"{formation}/{mode}" for formation in formations for mode in modes)


def drawn_up(
    run: str, title: str, arguments: Arguments, arms: tuple[str, ...], tasks: tuple[str, ...]
) -> Plan:
    return Plan(
        run=run, title=title, simulated=arguments.simulate, tasks=tasks, arms=arms,
        baseline=arguments.baseline or arms[0], caps=arguments.caps, seed=arguments.seed,
        seeds=arguments.seeds, detectable=detectable(len(tasks), len(arms) - 1), arguments=arguments,
    )  # fmt: skip


def trials(
    run: str, arguments: Arguments, formations: Sequence[Formation], problems: Sequence[Problem],
    options: Options, created: int,
) -> tuple[Trial, ...]:  # fmt: skip
    """Task after task, so that what is there after an interruption is paired. Raises `BadInput`.

    Tokens are what binds: dollars are capped at what the tokens can cost. An answer may be an eighth of
    the cap at most, in every arm, since its worst case is reserved before each call.
    """
    found: list[Trial] = []
    seeds = tuple(range(arguments.seed, arguments.seed + arguments.seeds))
    for number, given in enumerate(formations):
        names = arm_names([one.metadata.name for one in formations], arguments.modes)
        mine = names[number * len(arguments.modes) :]
        arms = dict(zip(arguments.modes, mine, strict=False))
        for cap in arguments.caps:
            formation = thrifty(given, cap)
            caps = Caps(cap, Decimal(most_usd(formation, cap)), arguments.max_loops)
            setting = Setting(formation, arguments.modes, seeds, caps, options)
            drafts = from_dataset(problems, setting)
            group = f"{run}-{cap}" if len(formations) == 1 else f"{run}-{number}-{cap}"
            made = cases(group, drafts, formation, created)
            found += [
                Trial(arms[case.mode], cap, case, draft)
                for case, draft in zip(made, drafts, strict=True)
            ]
    place = {problem.task_id: number for number, problem in enumerate(problems)}
    return tuple(sorted(found, key=lambda one: (place[one.case.task], one.case.seed, one.cap)))
