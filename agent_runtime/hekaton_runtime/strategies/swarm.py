"""Mode `swarm`, the default: plan as a swarm, build in parallel, verify, audit, loop, report.

goal -> DISCOVER -> DEBATE -> SCAFFOLD -> architect -> build waves -> verify -> audit -> report
                                               ^                                 |
                                               +------- findings, maxLoops ------+
"""

from hekaton_runtime.answers import Design, Task
from hekaton_runtime.effects import Merge, Note, Read, Strategy
from hekaton_runtime.strategies.building import BUILD, RESULT, build
from hekaton_runtime.strategies.planning import (
    architect,
    argue,
    discover,
    one_task,
    scaffold,
    triage,
)
from hekaton_runtime.strategies.reviewing import audit, open_findings, said, verify
from hekaton_runtime.strategies.steps import Step, depths, waves
from hekaton_runtime.strategies.values import Assignment, Conclusion, Loop, Seat, Story


def swarm(a: Assignment, story: Story) -> Step[Conclusion]:
    """The whole mission."""
    seen = yield Read(branch="base")
    story.skipped = yield from triage(a, seen)
    if story.skipped:
        story.design = one_task(a)
    else:
        views = yield from discover(a, seen)
        story.debate = yield from argue(a, seen, views)
        plan = yield from scaffold(a, seen, views, story.debate)
        story.design = yield from architect(a, seen, plan)
    yield from build_waves(a, story, story.design)
    return (yield from until_good(a, story, story.design))


def build_waves(a: Assignment, story: Story, design: Design) -> Step[None]:
    """Every task as soon as its needs are met, each by its own sapper on its own branch."""
    crew = builders(a)
    wave, total = depths(design.tasks), len(design.tasks)
    order = {task.id: index for index, task in enumerate(design.tasks)}

    def one(task: Task) -> Strategy:
        seat = crew[order[task.id] % len(crew)]
        text = f"{task.id}: {seat.name}"
        yield Note(phase="build", text=text, wave=wave[task.id], tasks_total=total)
        account = (f"wave-{wave[task.id]}",)
        story.tasks.append((yield from build(a, seat, task, notes_of(design), account)))

    yield from waves(design.tasks, one)
    story.tasks.sort(key=lambda end: order[end.task.id])
    yield Note(phase="build", text="all tasks ended", tasks_done=total, tasks_total=total)


def until_good(a: Assignment, story: Story, design: Design) -> Step[Conclusion]:
    """Verify, audit, and repair from the findings until the tree may leave or the loops are used up."""
    for number in range(a.rules.max_loops + 1):
        if story.findings:
            yield from repair(a, story, design, number)
        loop = yield from judge(a, story, design, number)
        if not story.findings:
            yield Merge(source=BUILD, into=RESULT)
            story.findings = loop.review.findings if loop.review else ()
            return story.end("passed", "acceptance and review passed", RESULT)
    why = f"the review scored {loop.score}" if loop.accepted else "acceptance fails"
    return story.end("failed", f"{why} after {len(story.loops)} tries", BUILD)


def judge(a: Assignment, story: Story, design: Design, number: int) -> Step[Loop]:
    """Executable evidence first; the auditor sees only what passed it."""
    yield Note(phase="verify", text=f"loop {number}")
    ran = yield from verify(a)
    loop = Loop(False, said(ran))
    if ran.passed:
        yield Note(phase="audit", text=f"loop {number}")
        loop = yield from audit(a, ran, notes_of(design), (f"loop-{number}",))
    story.loops.append(loop)
    story.findings = open_findings(a, ran, loop)
    return loop


def repair(a: Assignment, story: Story, design: Design, number: int) -> Step[None]:
    """One sapper mends what verify and audit found; another one than last time, where there is one."""
    crew = builders(a)
    seat = crew[number % len(crew)]
    yield Note(phase="build", text=f"repair {number}: {seat.name}")
    goal = "Mend what verify and audit found, in as few changes as it needs."
    task = Task(id=f"repair-{number}", goal=goal)
    account = (f"loop-{number}",)
    end = yield from build(
        a, seat, task, notes_of(design), account, story.findings, "repair", number
    )
    story.tasks.append(end)


def builders(a: Assignment) -> tuple[Seat, ...]:
    return a.team.named("sapper") or a.team.named("worker")


def notes_of(design: Design) -> tuple[str, ...]:
    return (f"Design: {design.summary}", *(f"Interface: {line}" for line in design.interfaces))
