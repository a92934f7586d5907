"""Small steps that the modes share, each a generator composed with `yield from`."""

from collections.abc import Callable, Generator
from graphlib import CycleError, TopologicalSorter
from typing import Any, TypeVar, assert_never

from hekaton_runtime.answers import AnyAnswer, Task, Unfit, name_of, parse
from hekaton_runtime.brief import Brief, Finding
from hekaton_runtime.effects import Ask, Next, Spawn, Strategy, Wish
from hekaton_runtime.results import Answer, Asked, Failed, Ran, Refused, Stopped
from hekaton_runtime.strategies.values import Seat

T = TypeVar("T")
A = TypeVar("A", bound=AnyAnswer)
Step = Generator[Wish, Any, T]


class OutOfBudget(Exception):
    """The ledger refused a call that the mission cannot do without; the text is the arithmetic."""


class Unanswered(Exception):
    """An agent gave no usable answer, however often it was asked."""


def ask(
    seat: Seat,
    brief: Brief,
    kind: type[A],
    account: tuple[str, ...] = (),
    faults: Callable[[A], str] = lambda answer: "",
    tries: int = 3,
    before: int = 0,
) -> Step[A]:
    """Ask until the answer is of the right shape and `faults` finds nothing; each rejection is told.

    Each try has a seed of its own: with the same complaint as before, the same would come again. `before`
    counts earlier questions that may have had the same words.
    """
    complaint = ""
    for sample in range(before * tries, (before + 1) * tries):
        told = brief if not complaint else _complain(brief, complaint)
        result = yield Ask(
            agent=seat.name, brief=told, answer=name_of(kind), account=(*account, seat.name), sample=sample
        )  # fmt: skip
        answer = opened(result, kind, seat)
        complaint = answer if isinstance(answer, str) else faults(answer)
        if not isinstance(answer, str) and not complaint:
            return answer
    raise Unanswered(f"{seat.name} gave no usable {name_of(kind)} in {tries} tries: {complaint}")


def opened(result: Asked, kind: type[A], seat: Seat) -> A | str:
    """The decoded answer, or what was wrong with it."""
    match result:
        case Answer(text=text):
            try:
                return parse(text, kind)
            except Unfit as fault:
                return str(fault)
        case Refused():
            raise OutOfBudget(f"{seat.name} could not be asked: {result}")
        case Failed(kind="invalid" | "truncated" as why, detail=detail):
            return f"{why}: {detail}"
        case Failed(kind=why, detail=detail):
            raise Unanswered(f"{seat.name} gave no {name_of(kind)} ({why}): {detail}")
        case Stopped(reason=reason):
            raise Unanswered(f"{seat.name} was stopped: {reason}")
        case _:
            assert_never(result)


def _complain(brief: Brief, complaint: str) -> Brief:
    return Brief(
        step=brief.step, goal=brief.goal, task=brief.task, acceptance=brief.acceptance, tree=brief.tree,
        files=brief.files, notes=brief.notes, findings=brief.findings, heard=brief.heard, complaint=complaint,
    )  # fmt: skip


def everything(bodies: dict[str, Strategy]) -> Step[dict[str, Any]]:
    """Run branches side by side; their values by name."""
    for name, body in bodies.items():
        yield Spawn(name, body)
    left, values = list(bodies), {}
    while left:
        name, value = yield Next(tuple(left))
        left.remove(name)
        values[name] = value
    return {name: values[name] for name in bodies}


def waves(
    tasks: tuple[Task, ...], build: Callable[[Task], Strategy], heard: Callable[[Any], None]
) -> Step[None]:
    """Build each task as soon as those it needs are done: no barrier lets a slow one block all.

    `heard` gets each value in the journaled order, so that a replay hears exactly as much.
    """
    by_name = {f"task-{task.id}": task for task in tasks}  # no other branch is called so
    sorter = TopologicalSorter(
        {name: [f"task-{need}" for need in task.needs] for name, task in by_name.items()}
    )
    sorter.prepare()
    running: list[str] = []
    while sorter.is_active():
        for name in sorted(sorter.get_ready()):
            yield Spawn(name, build(by_name[name]))
            running.append(name)
        name, value = yield Next(tuple(running))
        running.remove(name)
        sorter.done(name)
        heard(value)


def plan_faults(tasks: tuple[Task, ...]) -> str:
    """Why these tasks are no plan: doubled or dangling names, a cycle. Empty: they are one."""
    names = [task.id for task in tasks]
    reasons = [
        f"task id {name!r} occurs twice"
        for name in sorted({n for n in names if names.count(n) > 1})
    ]
    reasons += [
        f"task id {name!r} is taken: no id begins with repair-"
        for name in names
        if name.startswith("repair-")
    ]
    reasons += [
        f"task {task.id!r} needs {need!r}, which is no task"
        for task in tasks
        for need in task.needs
        if need not in names
    ]
    try:
        TopologicalSorter({task.id: task.needs for task in tasks}).prepare()
    except CycleError as cycle:
        reasons.append(f"the tasks wait for each other: {' -> '.join(cycle.args[1])}")
    return "; ".join(reasons)


def depths(tasks: tuple[Task, ...]) -> dict[str, int]:
    """The wave of each task: 1 for those that need nothing. `tasks` is a plan without faults."""
    needs = {task.id: task.needs for task in tasks}
    found: dict[str, int] = {}
    for name in TopologicalSorter(needs).static_order():
        found[name] = 1 + max((found[need] for need in needs[name]), default=0)
    return found


def evidence(ran: Ran) -> Finding:
    """A failed command as a finding."""
    return Finding(
        text=f"`{ran.command}` failed with exit code {ran.exit_code}."
        + "".join(f" {refusal.text}" for refusal in ran.findings),
        severity="high",
        evidence=ran.output,
    )
