"""Mode `swarm`, the default: plan as a swarm, build in parallel, verify, audit, loop, report.

goal -> DISCOVER -> DEBATE -> SCAFFOLD -> architect -> build waves -> verify -> audit -> report
                                               ^                                 |
                                               +------- findings, maxLoops ------+
"""

from hekaton_runtime.answers import Design, Plan, Task, Triage, Views
from hekaton_runtime.brief import Brief, Finding
from hekaton_runtime.effects import Merge, Note, Read, Strategy
from hekaton_runtime.results import Files
from hekaton_runtime.strategies.building import BUILD, RESULT, build
from hekaton_runtime.strategies.debating import debate
from hekaton_runtime.strategies.reviewing import audit, open_findings, said, verify
from hekaton_runtime.strategies.steps import Step, ask, depths, everything, plan_faults, waves
from hekaton_runtime.strategies.values import Assignment, Conclusion, Debate, Loop, Seat, TaskEnd

RATING = {"": 0, "LOW": 1, "MEDIUM": 2, "HIGH": 3}


def swarm(a: Assignment) -> Step[Conclusion]:
    """The whole mission."""
    seen: Files = yield Read(branch="base")
    skipped = yield from _triage(a, seen)
    if skipped:
        debated, design = (
            None,
            Design(summary=a.goal[:4000], tasks=(Task(id="work", goal=a.goal[:4000]),)),
        )
    else:
        views = yield from _discover(a, seen)
        debated = yield from _debate(a, seen, views)
        plan = yield from _scaffold(a, seen, views, debated)
        design = yield from _architect(a, seen, plan)
    ends = yield from _build(a, design)
    return (yield from _until_good(a, design, debated, ends, skipped))


def _triage(a: Assignment, seen: Files) -> Step[str]:
    """Why this mission needs no planning swarm; empty: it does. The analyst's call, journaled."""
    if not a.rules.swarm:
        return "the formation plans without a swarm"
    if not (analysts := a.team.named("analyst")):
        return ""
    yield Note(phase="discover", text="is it trivial?")
    brief = Brief(
        step="triage", goal=a.goal, acceptance=a.acceptance, tree=seen.tree, files=seen.files
    )
    triage = yield from ask(analysts[0], brief, Triage, ("plan",))
    if triage.trivial or RATING[triage.complexity] < RATING[a.rules.skip_below]:
        return f"{triage.complexity}: {triage.reason}"
    return ""


def _discover(a: Assignment, seen: Files) -> Step[tuple[str, ...]]:
    """Researchers read the workspace side by side."""
    seats = a.team.named("researcher") or a.team.named("reasoner", "architect")[:1]
    yield Note(phase="discover", text=f"{len(seats)} read the workspace")
    brief = Brief(
        step="discover", goal=a.goal, acceptance=a.acceptance, tree=seen.tree, files=seen.files
    )

    def look(seat: Seat) -> Strategy:
        views = yield from ask(seat, brief, Views, ("plan",))
        lines = [
            views.summary,
            *(f"fact: {x}" for x in views.facts),
            *(f"risk: {x}" for x in views.risks),
        ]
        return "\n".join(lines)

    found = yield from everything({f"discover-{seat.name}": look(seat) for seat in seats})
    return tuple(found.values())


def _debate(a: Assignment, seen: Files, views: tuple[str, ...]) -> Step[Debate | None]:
    """Argue over approaches; one voice alone is no debate."""
    seats = a.team.named("researcher", "reasoner", "architect")
    if len(seats) < 2:
        return None
    return (yield from debate(a, seats, views, seen))


def _scaffold(
    a: Assignment, seen: Files, views: tuple[str, ...], debated: Debate | None
) -> Step[Plan]:
    """The typed plan: tasks, files, dependencies, checks."""
    yield Note(phase="scaffold")
    chosen = (f"Chosen approach: {debated.approach}",) if debated else ()
    brief = Brief(
        step="scaffold",
        goal=a.goal,
        acceptance=a.acceptance,
        tree=seen.tree,
        files=seen.files,
        notes=(*chosen, *views),
    )
    seat = a.team.first("reasoner", "architect", "researcher", "sapper", "worker")
    return (yield from ask(seat, brief, Plan, ("plan",), lambda plan: plan_faults(plan.tasks)))


def _architect(a: Assignment, seen: Files, plan: Plan) -> Step[Design]:
    """Interfaces that tasks must agree on, and the final task list."""
    yield Note(phase="architect")
    notes = (f"Plan: {plan.summary}", *(_line(task) for task in plan.tasks))
    brief = Brief(
        step="design",
        goal=a.goal,
        acceptance=a.acceptance,
        tree=seen.tree,
        files=seen.files,
        notes=notes,
    )
    seat = a.team.first("architect", "reasoner", "sapper", "worker")
    return (
        yield from ask(seat, brief, Design, ("plan",), lambda design: plan_faults(design.tasks))
    )


def _build(a: Assignment, design: Design) -> Step[tuple[TaskEnd, ...]]:
    """Every task as soon as its needs are met, each by its own sapper in its own worktree."""
    builders = a.team.named("sapper") or a.team.named("worker")
    wave = depths(design.tasks)
    done = 0
    order = {task.id: index for index, task in enumerate(design.tasks)}

    def one(task: Task) -> Strategy:
        nonlocal done
        seat = builders[order[task.id] % len(builders)]
        yield Note(
            phase="build",
            text=f"{task.id}: {seat.name}",
            wave=wave[task.id],
            tasks_total=len(design.tasks),
        )
        end = yield from build(a, seat, task, _notes(design), (f"wave-{wave[task.id]}",))
        done += 1
        return end

    ends = yield from waves(design.tasks, one)
    yield Note(
        phase="build", text="all tasks ended", tasks_done=done, tasks_total=len(design.tasks)
    )
    return tuple(ends[task.id] for task in design.tasks)


def _until_good(
    a: Assignment, design: Design, debated: Debate | None, ends: tuple[TaskEnd, ...], skipped: str
) -> Step[Conclusion]:
    """Verify, audit, and repair from the findings until the tree may leave or the loops are used up."""
    loops: tuple[Loop, ...] = ()
    findings: tuple[Finding, ...] = ()
    for number in range(a.rules.max_loops + 1):
        if findings:
            ends += ((yield from _repair(a, design, number, findings)),)
        yield Note(phase="verify", text=f"loop {number}")
        ran = yield from verify(a)
        loop = Loop(False, said(ran))
        if ran.passed:
            yield Note(phase="audit", text=f"loop {number}")
            loop = yield from audit(a, ran, _notes(design), (f"loop-{number}",))
        loops += (loop,)
        findings = open_findings(a, ran, loop)
        if not findings:
            yield Merge(source=BUILD, into=RESULT)
            return Conclusion(
                "passed", "acceptance and review passed", RESULT, loops, ends, debated, design,
                loop.review.findings if loop.review else (), True, skipped,
            )  # fmt: skip
    why = "acceptance fails" if not loops[-1].accepted else f"the review scored {loops[-1].score}"
    return Conclusion(
        "failed", f"{why} after {len(loops)} tries", BUILD, loops, ends, debated, design, findings,
        loops[-1].review is not None, skipped,
    )  # fmt: skip


def _repair(
    a: Assignment, design: Design, number: int, findings: tuple[Finding, ...]
) -> Step[TaskEnd]:
    """One sapper mends what verify and audit found; another one than last time, where there is one."""
    builders = a.team.named("sapper") or a.team.named("worker")
    seat = builders[number % len(builders)]
    yield Note(phase="build", text=f"repair {number}: {seat.name}")
    task = Task(id=f"repair-{number}", goal="Mend what verify and audit found, in as few changes as it needs.")
    return (
        yield from build(a, seat, task, _notes(design), (f"loop-{number}",), findings, "repair")
    )


def _notes(design: Design) -> tuple[str, ...]:
    return (f"Design: {design.summary}", *(f"Interface: {line}" for line in design.interfaces))


def _line(task: Task) -> str:
    return (
        f"- {task.id}: {task.goal} (files: {', '.join(task.files) or 'open'};"
        f" needs: {', '.join(task.needs) or 'nothing'}; checks: {'; '.join(task.checks) or 'none'})"
    )
