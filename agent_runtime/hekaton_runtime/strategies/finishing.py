"""What follows a plan in every mode that has one: build its tasks, then verify, audit and repair."""

from hekaton_runtime.answers import Design, Task
from hekaton_runtime.brief import Finding
from hekaton_runtime.effects import Merge, Note, Strategy
from hekaton_runtime.strategies.building import BUILD, RESULT, build
from hekaton_runtime.strategies.reviewing import audit, left_open, open_findings, said, verify
from hekaton_runtime.strategies.steps import Step, depths, waves
from hekaton_runtime.strategies.stuck import stuck
from hekaton_runtime.strategies.values import (
    Assignment,
    Conclusion,
    Loop,
    Seat,
    Story,
    TaskEnd,
    Turn,
)

IDLE = Finding(
    text="The last repair left every file as it was. Change what causes the findings, or say which file"
    " they are about and give it anew.",
    severity="high",
)


def build_waves(a: Assignment, story: Story, design: Design) -> Step[None]:
    """Every task as soon as its needs are met, each by its own builder on its own branch."""
    crew = builders(a)
    wave, total = depths(design.tasks), len(design.tasks)
    order = {task.id: index for index, task in enumerate(design.tasks)}

    def one(task: Task) -> Strategy:
        seat = crew[order[task.id] % len(crew)]
        text = f"{task.id}: {seat.name}"
        yield Note(phase="build", text=text, wave=wave[task.id], tasks_total=total)
        account = (f"wave-{wave[task.id]}",)
        return (yield from build(a, seat, task, notes_of(design), account))

    yield from waves(design.tasks, one, story.tasks.append)
    story.tasks.sort(key=lambda end: order[end.task.id])
    yield Note(phase="build", text="all tasks ended", tasks_done=total, tasks_total=total)


def until_good(a: Assignment, story: Story, design: Design, audited: bool) -> Step[Conclusion]:
    """Verify, audit, and repair from the findings until the tree may leave or trying on is no use."""
    loop = Loop(False, "")
    for number in range(a.rules.max_loops + 1):
        if story.findings:
            end = yield from repair(a, story, design, number)
            if why := turned(story, end):
                return story.end("failed", f"stuck: {why}", BUILD)
            if not end.changed and story.edition > 1:
                continue  # the same tree would be judged the same
        loop = yield from judge(a, story, design, number, audited)
        if not story.findings:
            yield Merge(source=BUILD, into=RESULT)
            story.findings = left_open(loop)
            reason = "acceptance and review passed" if loop.review else "acceptance passed"
            return story.end("passed", reason, RESULT)
    why = f"the review scored {loop.score}" if loop.accepted else "acceptance fails"
    return story.end("failed", f"{why} after {_tries(a, story)} tries", BUILD)


def _tries(a: Assignment, story: Story) -> int:
    return len(story.loops) if story.edition < 2 else a.rules.max_loops + 1


def turned(story: Story, end: TaskEnd) -> str:
    """Take note of a repair -> why work goes in circles; empty: it does not."""
    if story.edition < 2:
        return ""
    story.turns.append(Turn(end.action, end.changed))
    if not end.changed:
        story.findings = (IDLE, *(found for found in story.findings if found != IDLE))
    return stuck(story.turns)


def judge(a: Assignment, story: Story, design: Design, number: int, audited: bool) -> Step[Loop]:
    """Executable evidence first; auditors see only what passed it."""
    yield Note(phase="verify", text=f"loop {number}")
    ran = yield from verify(a)
    loop = Loop(ran.passed, said(ran))
    if ran.passed and audited:
        yield Note(phase="audit", text=f"loop {number}")
        loop = yield from audit(a, ran, notes_of(design), number, story.edition)
    story.loops.append(loop)
    story.findings = open_findings(a, ran, loop)
    return loop


def repair(a: Assignment, story: Story, design: Design, number: int) -> Step[TaskEnd]:
    """One builder mends what was found; another one than last time, where there is one."""
    crew = builders(a)
    seat = crew[number % len(crew)]
    yield Note(phase="build", text=f"repair {number}: {seat.name}")
    goal = "Mend what verify and audit found, in as few changes as it needs."
    task = Task(id=f"repair-{number}", goal=goal)
    end: TaskEnd = yield from build(
        a, seat, task, notes_of(design), (f"loop-{number}",), story.findings, "repair", number
    )
    story.tasks.append(end)
    return end


def builders(a: Assignment) -> tuple[Seat, ...]:
    return a.team.named("sapper") or a.team.named("worker")


def notes_of(design: Design) -> tuple[str, ...]:
    return (f"Design: {design.summary}", *(f"Interface: {line}" for line in design.interfaces))
