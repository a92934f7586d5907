"""From the results of the missions to points, contrasts and areas. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import log

from hekaton_runtime.bench.intervals import rate
from hekaton_runtime.bench.rows import Row
from hekaton_runtime.compare.plan import Plan
from hekaton_runtime.compare.statistics import Interval, bounds, holm, interval, limits, p_value

Grid = Mapping[tuple[str, int, str], tuple[Row, ...]]
"""By arm, cap and task: a row a seed."""


@dataclass(frozen=True, slots=True)
class Result:
    """A mission that ended, and where it belongs."""

    arm: str
    cap: int
    row: Row


@dataclass(frozen=True, slots=True)
class Point:
    """One arm at one cap."""

    arm: str
    cap: int
    right: int
    runs: int
    interval: Interval
    tokens: float
    """Of a mission, on average."""
    most: float
    """The largest share of the cap that a mission used."""
    stopped: int
    """Missions that the budget or another limit ended."""
    cost_micros: int

    @property
    def share(self) -> float:
        return self.right / self.runs if self.runs else 0.0


@dataclass(frozen=True, slots=True)
class Contrast:
    """One arm against the baseline at one cap; positive means that the arm is ahead."""

    arm: str
    cap: int
    won: int
    """Tasks on which the arm has more right runs than the baseline."""
    lost: int
    difference: float
    """Of the shares."""
    interval: Interval
    """Of 95 %, by drawing tasks again; where all tasks say the same, and that knows no spread, `sure`."""
    narrow: Interval
    """Of 90 %: within the margin, the two count as equivalent."""
    sure: Interval
    """Exact limits, wider."""
    p: float
    adjusted: float | None
    """After Holm; None at caps that the verdict is not about."""


@dataclass(frozen=True, slots=True)
class Area:
    """One arm's mean share over the logarithm of the cap, less the baseline's."""

    arm: str
    difference: float
    interval: Interval
    crosses: tuple[int, ...]
    """Caps at which the arm's lead over the baseline has another sign than at the cap before."""


@dataclass(frozen=True, slots=True)
class Comparison:
    points: tuple[Point, ...]
    contrasts: tuple[Contrast, ...]
    areas: tuple[Area, ...]
    tasks: int
    """Tasks that have ended in every arm, at every cap, with every seed: only they count."""
    complete: bool


def is_right(row: Row) -> bool:
    """Acceptance passes on what the mission left, whatever a reviewer or the budget said of it."""
    return row.passed or row.accepted


def analysed(plan: Plan, results: Sequence[Result]) -> Comparison:
    found: dict[tuple[str, int, str], list[Row]] = {}
    for one in results:
        if not one.row.resumable:
            found.setdefault((one.arm, one.cap, one.row.task), []).append(one.row)
    whole = tuple(
        task
        for task in plan.tasks
        if all(
            len(found.get((arm, cap, task), ())) == plan.seeds
            for arm in plan.arms
            for cap in plan.caps
        )
    )
    grid = {key: tuple(rows) for key, rows in found.items() if key[2] in set(whole)}
    points = tuple(_point(plan, grid, whole, arm, cap) for cap in plan.caps for arm in plan.arms)
    return Comparison(
        points, _contrasts(plan, grid, whole), _areas(plan, grid, whole), len(whole),
        complete=len(whole) == len(plan.tasks),
    )  # fmt: skip


def _point(plan: Plan, grid: Grid, tasks: Sequence[str], arm: str, cap: int) -> Point:
    rows = [row for task in tasks for row in grid[arm, cap, task]]
    right = sum(map(is_right, rows))
    if plan.seeds == 1:
        exact = rate(right, len(rows))
        limits = Interval(exact.low, exact.high)
    else:
        shares = [sum(map(is_right, grid[arm, cap, task])) / plan.seeds for task in tasks]
        limits = interval(shares, plan.seed)
    return Point(
        arm, cap, right, len(rows), limits,
        tokens=sum(row.tokens for row in rows) / max(1, len(rows)),
        most=max((row.tokens / cap for row in rows), default=0.0),
        stopped=sum(row.outcome == "STOPPED" for row in rows),
        cost_micros=sum(row.cost_micros for row in rows),
    )  # fmt: skip


def _lead(plan: Plan, grid: Grid, arm: str, cap: int) -> Callable[[str], int]:
    def lead(task: str) -> int:
        ours = sum(map(is_right, grid[arm, cap, task]))
        return ours - sum(map(is_right, grid[plan.baseline, cap, task]))

    return lead


def _contrasts(plan: Plan, grid: Grid, tasks: Sequence[str]) -> tuple[Contrast, ...]:
    """Holm's correction is over the arms at the last cap, which alone is tested for a verdict."""
    made = [
        _contrast(plan, [*map(_lead(plan, grid, arm, cap), tasks)], arm, cap)
        for cap in plan.caps
        for arm in plan.others
    ]
    decisive = [one for one in made if one.cap == plan.caps[-1]]
    adjusted = dict(zip((one.arm for one in decisive), holm([c.p for c in decisive]), strict=True))
    return tuple(_judged(one, adjusted[one.arm]) if one in decisive else one for one in made)


def _contrast(plan: Plan, leads: Sequence[int], arm: str, cap: int) -> Contrast:
    values = [lead / plan.seeds for lead in leads]
    drawn, narrow = interval(values, plan.seed), interval(values, plan.seed, 0.90)
    sure = bounds(leads, plan.seeds)
    return Contrast(
        arm, cap, sum(lead > 0 for lead in leads), sum(lead < 0 for lead in leads),
        sum(values) / max(1, len(values)), sure if drawn.low == drawn.high else drawn, narrow, sure,
        p_value(leads), None,
    )  # fmt: skip


def _judged(one: Contrast, adjusted: float) -> Contrast:
    return Contrast(
        one.arm, one.cap, one.won, one.lost, one.difference, one.interval, one.narrow, one.sure,
        one.p, adjusted,
    )  # fmt: skip


def _areas(plan: Plan, grid: Grid, tasks: Sequence[str]) -> tuple[Area, ...]:
    if len(plan.caps) < 2 or not tasks:
        return ()
    shares = weights(plan.caps)
    return tuple(_area(plan, grid, tasks, arm, shares) for arm in plan.others)


def _area(plan: Plan, grid: Grid, tasks: Sequence[str], arm: str, shares: Sequence[float]) -> Area:
    leads = [[*map(_lead(plan, grid, arm, cap), tasks)] for cap in plan.caps]
    values = [
        round(sum(w * lead[n] for w, lead in zip(shares, leads, strict=True)) / plan.seeds, 12)
        for n in range(len(tasks))
    ]
    sums = [sum(lead) for lead in leads]
    crosses = tuple(
        cap
        for cap, before, now in zip(plan.caps[1:], sums, sums[1:], strict=False)
        if before * now < 0
    )
    drawn = interval(values, plan.seed)
    return Area(arm, sum(values) / len(values), limits(values) if drawn.low == drawn.high else drawn, crosses)  # fmt: skip


def weights(caps: Sequence[int]) -> tuple[float, ...]:
    """Of each cap in the mean over the logarithm of the cap, by trapezoids; together 1."""
    at = [log(cap) for cap in caps]
    gaps = [after - before for before, after in zip(at, at[1:], strict=False)]
    halves = [0.0, *gaps, 0.0]
    return tuple((halves[n] + halves[n + 1]) / (2 * sum(gaps)) for n in range(len(caps)))
