"""One loop of a hierarchy: a manager over workers. It starts each task when its own needs are met, divides
the budget anew after each wave, and stops workers whose marginal value fell.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from graphlib import TopologicalSorter

import msgspec

from hekaton_runtime.answers import Charter, RatedTask
from hekaton_runtime.effects import Next, Note, Now, Pause, Portion, Share, Spawn, Stop, Strategy
from hekaton_runtime.results import Ran
from hekaton_runtime.strategies.budgets import MOST, weight
from hekaton_runtime.strategies.building import build
from hekaton_runtime.strategies.charters import ACCOUNT
from hekaton_runtime.strategies.interrupting import limit, partial
from hekaton_runtime.strategies.reviewing import verify
from hekaton_runtime.strategies.steps import OutOfBudget, Step, depths
from hekaton_runtime.strategies.values import Assignment, Seat, TaskEnd

TIERS = ("small", "medium", "large")


@dataclass(frozen=True, slots=True)
class Running:
    """A task that somebody works on."""

    task: RatedTask
    seat: Seat
    since: float
    again: bool = False
    """For the second time, after the first worker was stopped."""


@dataclass(slots=True)
class Shift:
    """What the manager knows. Lives as long as the loop; each replay makes it anew."""

    a: Assignment
    charter: Charter
    number: int
    telling: bool
    """Does acceptance fail so far: else its passing says nothing about what is still worth doing."""
    notes: tuple[str, ...]
    wave: dict[str, int]
    edition: int
    left: dict[int, int]
    """Tasks of each wave that have not ended."""
    running: dict[str, Running] = field(default_factory=dict)
    held: list[RatedTask] = field(default_factory=list)
    """Ready, behind a barrier."""
    ends: list[TaskEnd] = field(default_factory=list)
    partials: list[str] = field(default_factory=list)
    longest: float = 0.0
    watch: str = ""
    look: str = ""
    asides: int = 0


def work_off(
    a: Assignment, charter: Charter, number: int, telling: bool, edition: int
) -> Step[Shift]:
    """Every task once, and a second time where its first worker was late."""
    wave = depths(charter.tasks)
    left = {depth: list(wave.values()).count(depth) for depth in wave.values()}
    notes = (f"Brief: {charter.brief}", *(f"Interface: {line}" for line in charter.interfaces))
    shift = Shift(a, charter, number, telling, notes, wave, edition, left)
    tasks = {task.id: task for task in charter.tasks}
    sorter = TopologicalSorter({task.id: task.needs for task in charter.tasks})
    sorter.prepare()
    yield from _share(shift, charter.tasks)
    while sorter.is_active():
        yield from _start(shift, [tasks[name] for name in sorter.get_ready()])
        name, value = yield Next(_awaited(shift))
        if name == shift.look:
            shift.look = ""
            if isinstance(value, Ran) and value.passed:
                yield from _release(shift)
                break
        elif name == shift.watch:
            shift.watch = ""
            sorter.done(*(yield from _hurry(shift, value.at)))
        else:
            sorter.done((yield from _ended(shift, name, value)))
    for aside in filter(None, (shift.watch, shift.look)):
        yield Stop(aside)
    return shift


def _awaited(shift: Shift) -> tuple[str, ...]:
    return (*shift.running, *filter(None, (shift.watch, shift.look)))


def _start(shift: Shift, ready: list[RatedTask]) -> Step[None]:
    """Start what is ready; behind a barrier only when all of the wave before have ended."""
    shift.held += sorted(ready, key=lambda task: task.id)
    if not shift.held or (shift.a.rules.barrier and shift.running):
        return
    now = yield Now()
    for task in shift.held:
        seat = seat_for(shift, task)
        yield from _spawn(shift, Running(task, seat, now.at))
    shift.held.clear()


def _spawn(shift: Shift, one: Running, more: tuple[str, ...] = ()) -> Step[None]:
    task, wave = one.task, shift.wave[origin(one.task.id)]
    text = f"{task.id} ({task.complexity}): {one.seat.name}"
    total = len(shift.charter.tasks)
    yield Note(
        phase="build", text=text, wave=wave, tasks_done=total - _open(shift), tasks_total=total
    )
    name = f"task-{task.id}"
    yield Spawn(name, _worker(shift, one, (*shift.notes, *more)))
    shift.running[name] = one


def _worker(shift: Shift, one: Running, notes: tuple[str, ...]) -> Strategy:
    """A task in its own purse: an empty one ends the task, never the mission."""
    task, hard = one.task, one.task.complexity == "HIGH"
    account = (f"task-{origin(task.id)}",)
    loop = 2 * shift.number + one.again  # so that no question is asked with the same seed again
    try:
        return (yield from build(shift.a, one.seat, task, notes, account, loop=loop, thinking=hard))
    except OutOfBudget as fault:
        return TaskEnd(task, f"task/{task.id}", "failed", 0, one.seat.name, f"budget: {fault}")


def _ended(shift: Shift, name: str, end: TaskEnd) -> Step[str]:
    """Take note of a task's end -> its name in the plan."""
    one = shift.running.pop(name)
    shift.ends.append(end)
    now = yield Now()
    shift.longest = max(shift.longest, now.at - one.since)
    yield from _closed(shift, one.task)
    if shift.running and not shift.watch:
        yield from _aside(shift, "watch", _wait(limit(shift.longest, shift.a.rules.grace)))
    return origin(one.task.id)


def _closed(shift: Shift, task: RatedTask) -> Step[None]:
    """At the end of a wave the budget is divided anew, and acceptance is looked at."""
    depth = shift.wave[origin(task.id)]
    shift.left[depth] -= 1
    if shift.left[depth] or not _open(shift):
        return
    yield from _share(shift, _unfinished(shift))
    if shift.telling and not shift.look:
        yield from _aside(shift, "look", verify(shift.a))


def _unfinished(shift: Shift) -> list[RatedTask]:
    busy = {origin(one.task.id) for one in shift.running.values()}
    over = {origin(end.task.id) for end in shift.ends} - busy
    return [task for task in shift.charter.tasks if task.id not in over]


def _open(shift: Shift) -> int:
    return sum(shift.left.values())


def _share(shift: Shift, tasks: Iterable[RatedTask]) -> Step[None]:
    """Weights redistribute what there is; the last part is kept for reduce and repair."""
    portions = [
        Portion(account=(f"task-{task.id}",), weight=weight(task.complexity)) for task in tasks
    ]
    yield Share(portions=(*portions, Portion(account=ACCOUNT, weight=MOST)))


def _aside(shift: Shift, kind: str, body: Strategy) -> Step[None]:
    shift.asides += 1
    name = f"{kind}-{shift.number}-{shift.asides}"
    yield Spawn(name, body)
    if kind == "watch":
        shift.watch = name
    else:
        shift.look = name


def _wait(seconds: float) -> Strategy:
    return (yield Pause(seconds=seconds))


def _hurry(shift: Shift, now: float) -> Step[list[str]]:
    """Stop who is late -> tasks that are given up; each gets one more worker, who is told what there is."""
    most = limit(shift.longest, shift.a.rules.grace)
    given_up = []
    for name, one in tuple(shift.running.items()):
        if now - one.since < most:
            continue
        why = f"late: {now - one.since:.0f} s, the slowest other took {shift.longest:.0f} s"
        left = yield from _stop(shift, name, why)
        if one.again:
            given_up.append(origin(one.task.id))
            yield from _closed(shift, one.task)
            continue
        task = msgspec.structs.replace(one.task, id=f"2nd-{one.task.id}")
        seat = seat_for(shift, task)
        yield from _spawn(shift, Running(task, seat, now, again=True), (left,))
    if shift.running:
        oldest = min(one.since for one in shift.running.values())
        yield from _aside(shift, "watch", _wait(max(1.0, most - (now - oldest))))
    return given_up


def _release(shift: Shift) -> Step[None]:
    """Acceptance passes without them: nobody's marginal value is above zero any more."""
    why = "acceptance passes without it"
    for name in tuple(shift.running):
        yield from _stop(shift, name, why)
    for task in _unfinished(shift):
        shift.ends.append(TaskEnd(task, "", "stopped", 0, "", why, changed=False))


def _stop(shift: Shift, name: str, why: str) -> Step[str]:
    """Interrupt a worker -> what it leaves, which the next brief carries."""
    one = shift.running.pop(name)
    had = yield Stop(name)
    left = partial(one.task.id, had)
    shift.partials.append(left)
    yield Note(phase="build", text=f"{one.task.id} stopped: {why}")
    branch = f"task/{one.task.id}"
    shift.ends.append(TaskEnd(one.task, branch, "stopped", 1, one.seat.name, why, changed=False))
    return left


def origin(name: str) -> str:
    """The plan's name of a task that is worked on for the second time."""
    return name.removeprefix("2nd-")


def seat_for(shift: Shift, task: RatedTask) -> Seat:
    """LOW: an executor, else the cheapest builder; HIGH: the strongest; MEDIUM: any builder; in turn."""
    team, index = shift.a.team, len(shift.ends) + len(shift.running)
    executors = team.named("executor") if shift.edition > 3 else ()
    if task.complexity == "LOW" and executors:
        return executors[index % len(executors)]
    crew = team.named("sapper", "worker")
    ranks = [(TIERS.index(seat.tier), seat.cost) for seat in crew]
    wanted = {"LOW": min(ranks), "HIGH": max(ranks)}.get(task.complexity)
    fit = [seat for seat, rank in zip(crew, ranks, strict=True) if wanted in (None, rank)]
    return fit[index % len(fit)]
