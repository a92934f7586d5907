"""Plan as a swarm, before anything is written: triage, discover, debate, scaffold, design."""

from hekaton_runtime.answers import Design, Plan, Task, Triage, Views
from hekaton_runtime.brief import Brief
from hekaton_runtime.brief import Step as Kind
from hekaton_runtime.effects import Note, Strategy
from hekaton_runtime.results import Files
from hekaton_runtime.strategies.arbiters import debate
from hekaton_runtime.strategies.steps import Step, ask, everything, plan_faults
from hekaton_runtime.strategies.values import Assignment, Debate, Seat

RATING = {"": 0, "LOW": 1, "MEDIUM": 2, "HIGH": 3}
ACCOUNT = ("plan",)


def triage(a: Assignment, seen: Files) -> Step[str]:
    """Why this mission needs no planning swarm; empty: it does. The analyst's call, journaled."""
    if not a.rules.swarm:
        return "the formation plans without a swarm"
    if not (analysts := a.team.named("analyst")):
        return ""
    yield Note(phase="discover", text="is it trivial?")
    rated = yield from ask(analysts[0], _brief(a, "triage", seen), Triage, ACCOUNT)
    if rated.trivial or RATING[rated.complexity] < RATING[a.rules.skip_below]:
        return f"{rated.complexity}: {rated.reason}"
    return ""


def discover(a: Assignment, seen: Files, edition: int = 1) -> Step[tuple[str, ...]]:
    """Researchers read the workspace side by side; what each of them found."""
    seats = a.team.named("researcher") or a.team.named("reasoner", "architect")[:1]
    yield Note(phase="discover", text=f"{len(seats)} read the workspace")

    def look(seat: Seat, number: int) -> Strategy:
        # With one seed, seats of one model would all see the same.
        before = number if edition > 1 else 0
        views = yield from ask(seat, _brief(a, "discover", seen), Views, ACCOUNT, before=before)
        facts = [f"fact: {fact}" for fact in views.facts]
        return "\n".join([views.summary, *facts, *(f"risk: {risk}" for risk in views.risks)])

    found = yield from everything(
        {f"discover-{seat.name}": look(seat, number) for number, seat in enumerate(seats)}
    )
    return tuple(found.values())


def argue(
    a: Assignment, seen: Files, views: tuple[str, ...], edition: int = 1
) -> Step[Debate | None]:
    """Debate the approach; one voice alone is no debate."""
    seats = a.team.named("researcher", "reasoner", "architect")
    if len(seats) < 2:
        return None
    return (yield from debate(a, seats, views, seen, edition=edition))


def scaffold(
    a: Assignment, seen: Files, views: tuple[str, ...], debated: Debate | None
) -> Step[Plan]:
    """The typed plan: tasks, files, dependencies, checks."""
    yield Note(phase="scaffold")
    chosen = (f"Chosen approach: {debated.approach}",) if debated else ()
    seat = a.team.first("reasoner", "architect", "researcher", "sapper", "worker")
    brief = _brief(a, "scaffold", seen, (*chosen, *views))
    return (yield from ask(seat, brief, Plan, ACCOUNT, lambda plan: plan_faults(plan.tasks)))


def architect(a: Assignment, seen: Files, plan: Plan) -> Step[Design]:
    """Interfaces that tasks must agree on, and the final task list."""
    yield Note(phase="architect")
    seat = a.team.first("architect", "reasoner", "sapper", "worker")
    brief = _brief(a, "design", seen, (f"Plan: {plan.summary}", *map(_line, plan.tasks)))
    return (yield from ask(seat, brief, Design, ACCOUNT, lambda design: plan_faults(design.tasks)))


def one_task(a: Assignment) -> Design:
    """The design of a mission that needs no planning."""
    goal = a.goal[:4000]
    return Design(summary=goal, tasks=(Task(id="work", goal=goal),))


def _brief(a: Assignment, step: Kind, seen: Files, notes: tuple[str, ...] = ()) -> Brief:
    return Brief(
        step=step,
        goal=a.goal,
        acceptance=a.acceptance,
        tree=seen.tree,
        files=seen.files,
        notes=notes,
    )


def _line(task: Task) -> str:
    return (
        f"- {task.id}: {task.goal} (files: {', '.join(task.files) or 'open'};"
        f" needs: {', '.join(task.needs) or 'nothing'}; checks: {'; '.join(task.checks) or 'none'})"
    )
