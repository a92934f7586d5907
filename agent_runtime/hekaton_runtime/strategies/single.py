"""Mode `single`: one agent with the whole budget, against the acceptance commands. The honest baseline."""

from hekaton_runtime.answers import Task
from hekaton_runtime.brief import Finding
from hekaton_runtime.effects import Merge, Note
from hekaton_runtime.strategies.building import BUILD, RESULT, build
from hekaton_runtime.strategies.reviewing import said, verify
from hekaton_runtime.strategies.steps import Step, evidence
from hekaton_runtime.strategies.values import Assignment, Conclusion, Loop, TaskEnd


def single(a: Assignment) -> Step[Conclusion]:
    """Build, verify, and repair from the evidence, up to `rules.max_loops` times."""
    seat = a.team.first("sapper", "worker")
    findings: tuple[Finding, ...] = ()
    loops: tuple[Loop, ...] = ()
    ends: tuple[TaskEnd, ...] = ()
    for number in range(a.rules.max_loops + 1):
        yield Note(
            phase="build",
            text=f"{seat.name}, loop {number}",
            tasks_done=0,
            tasks_total=1,
            wave=number + 1,
        )
        task = Task(id=f"work-{number}", goal=a.goal)
        step = "repair" if findings else "build"
        end = yield from build(a, seat, task, (), (f"loop-{number}",), findings, step)
        ends += (end,)
        yield Note(phase="verify", text=f"loop {number}", tasks_done=1)
        ran = yield from verify(a)
        loops += (Loop(ran.passed, said(ran)),)
        if ran.passed:
            yield Merge(source=BUILD, into=RESULT)
            return Conclusion("passed", "acceptance passed", RESULT, loops, ends)
        findings = (evidence(ran),)
    return Conclusion(
        "failed",
        f"acceptance fails after {len(loops)} tries",
        BUILD,
        loops,
        ends,
        findings=findings,
    )
