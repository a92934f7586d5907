"""Mode `single`: one agent with the whole budget, against the acceptance commands. The honest baseline."""

from hekaton_runtime.answers import Task
from hekaton_runtime.effects import Merge, Note
from hekaton_runtime.strategies.building import BUILD, RESULT, build
from hekaton_runtime.strategies.finishing import turned
from hekaton_runtime.strategies.reviewing import said, verify
from hekaton_runtime.strategies.steps import Step, evidence
from hekaton_runtime.strategies.values import Assignment, Conclusion, Loop, Story


def single(a: Assignment, story: Story) -> Step[Conclusion]:
    """Build, verify, and repair from the evidence, up to `rules.max_loops` times."""
    seat = a.team.first("sapper", "worker")
    for number in range(a.rules.max_loops + 1):
        text = f"{seat.name}, loop {number}"
        yield Note(phase="build", text=text, tasks_done=0, tasks_total=1, wave=number + 1)
        task = Task(id=f"work-{number}", goal=a.goal[:4000])
        step = "repair" if story.findings else "build"
        account = (f"loop-{number}",)
        end = yield from build(a, seat, task, (), account, story.findings, step, number)
        story.tasks.append(end)
        if why := turned(story, end):
            return story.end("failed", f"stuck: {why}", BUILD)
        if number and not end.changed and story.edition > 1:
            continue  # the same tree would be judged the same
        yield Note(phase="verify", text=f"loop {number}", tasks_done=1)
        ran = yield from verify(a)
        story.loops.append(Loop(ran.passed, said(ran)))
        if ran.passed:
            story.findings = ()
            yield Merge(source=BUILD, into=RESULT)
            return story.end("passed", "acceptance passed", RESULT)
        story.findings = (evidence(ran),)
    tries = len(story.loops) if story.edition < 2 else a.rules.max_loops + 1
    return story.end("failed", f"acceptance fails after {tries} tries", BUILD)
