"""The analyst's part of a hierarchy: the brief, the rated tasks, and the next brief from what came of them."""

from graphlib import TopologicalSorter

import msgspec

from hekaton_runtime.answers import Charter, RatedTask, Task
from hekaton_runtime.brief import Brief
from hekaton_runtime.brief import Step as Kind
from hekaton_runtime.effects import Note
from hekaton_runtime.results import Files
from hekaton_runtime.strategies.steps import Step, ask, plan_faults
from hekaton_runtime.strategies.values import Assignment, Story, TaskEnd

ACCOUNT = ("reduce",)


def draw_up(
    a: Assignment, seen: Files, story: Story, step: Kind = "charter", notes: tuple[str, ...] = ()
) -> Step[Charter]:
    """Ask the analyst until the tasks are a plan without overlap; the request itself is compressed."""
    yield Note(phase="scaffold", text="the analyst's brief" if step == "charter" else "reduce")
    brief = Brief(
        step=step, goal=a.goal, acceptance=a.acceptance, tree=seen.tree, files=seen.files,
        notes=notes, findings=story.findings,
    )  # fmt: skip
    account = ("plan",) if step == "charter" else ACCOUNT
    seat = a.team.first("analyst")
    number = len(story.loops)
    return (yield from ask(seat, brief, Charter, account, charter_faults, before=number))


def charter_faults(charter: Charter) -> str:
    """Why this is no plan: as for any plan, and no file may belong to two tasks that can run at once."""
    faults = plan_faults(charter.tasks)
    return faults or "; ".join(overlaps(charter.tasks))


def overlaps(tasks: tuple[RatedTask, ...]) -> tuple[str, ...]:
    """Files of two tasks of which neither waits for the other. `tasks` is a plan without faults."""
    before = ancestors(tasks)
    found = []
    for index, one in enumerate(tasks):
        for other in tasks[index + 1 :]:
            both = sorted(set(one.files) & set(other.files))
            if both and one.id not in before[other.id] and other.id not in before[one.id]:
                found.append(
                    f"tasks {one.id!r} and {other.id!r} both write {', '.join(both)} and neither needs the"
                    " other: give each file to one task, or let one need the other"
                )
    return tuple(found)


def ancestors(tasks: tuple[RatedTask, ...]) -> dict[str, set[str]]:
    """All that must end before each task."""
    needs = {task.id: task.needs for task in tasks}
    found: dict[str, set[str]] = {}
    for name in TopologicalSorter(needs).static_order():
        found[name] = set(needs[name]).union(*(found[need] for need in needs[name]))
    return found


def width(tasks: tuple[Task, ...]) -> int:
    """How many tasks can run at once at most, when each takes the same time."""
    sorter = TopologicalSorter({task.id: task.needs for task in tasks})
    sorter.prepare()
    widest = 0
    while sorter.is_active():
        ready = sorter.get_ready()
        widest = max(widest, len(ready))
        sorter.done(*ready)
    return widest


def renamed(charter: Charter, number: int) -> Charter:
    """Tasks under names of their own in each loop, so that their branches begin anew.

    Names that agents give begin with a letter, these with a digit.
    """
    if not number:
        return charter
    tasks = tuple(
        msgspec.structs.replace(
            task, id=f"{number}-{task.id}", needs=tuple(f"{number}-{need}" for need in task.needs)
        )
        for task in charter.tasks
    )
    return msgspec.structs.replace(charter, tasks=tasks)


def outcome(end: TaskEnd) -> str:
    """A task's end as a line for the next brief."""
    return f"Task {end.task.id} ({end.task.goal[:200]}): {end.status}{f', {end.why}' if end.why else ''}"
