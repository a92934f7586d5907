"""Mode `vote`: k independent answers, each executed; a majority among those that pass, else among all.

goal -> k samples -> acceptance on each -> majority by content -> report
"""

from hekaton_runtime.answers import Task
from hekaton_runtime.brief import Brief
from hekaton_runtime.effects import Merge, Note, Read, Strategy
from hekaton_runtime.strategies.building import BUILD, RESULT
from hekaton_runtime.strategies.candidates import Candidate, sample
from hekaton_runtime.strategies.content import majority
from hekaton_runtime.strategies.finishing import builders
from hekaton_runtime.strategies.steps import Step, Unanswered, everything
from hekaton_runtime.strategies.values import Assignment, Conclusion, Status, Story, TaskEnd


def vote(a: Assignment, story: Story) -> Step[Conclusion]:
    """No planning, no repair: the budget goes into samples."""
    seen = yield Read(branch=BUILD)
    crew, many = builders(a), a.rules.samples
    yield Note(phase="build", text=f"{many} samples", tasks_done=0, tasks_total=many)
    brief = Brief(
        step="build", goal=a.goal, acceptance=a.acceptance, tree=seen.tree, files=seen.files
    )
    bodies: dict[str, Strategy] = {
        f"sample-{number + 1}": sample(
            a, crew[number % len(crew)], brief, f"sample-{number + 1}", ("samples",), number
        )
        for number in range(many)
    }
    found: list[Candidate] = list((yield from everything(bodies)).values())
    yield Note(phase="verify", text="majority", tasks_done=many)
    return (yield from elected(a, story, found))


def elected(a: Assignment, story: Story, found: list[Candidate]) -> Step[Conclusion]:
    """Tests first, then the majority. Nothing usable is told as what it was: mute, or no money."""
    written = [one for one in found if one.branch]
    if not written:
        raise next((one.fault for one in found if one.fault), None) or _rejected(found)
    passed = [one for one in written if one.passed]
    among = passed or written
    chosen = among[majority([one.content for one in among])]
    story.tasks += [_end(a, one, one is chosen) for one in found]
    story.loops.append(chosen.loop)
    story.findings = chosen.findings
    agree = sum(one.content == chosen.content for one in among)
    yield Merge(source=chosen.branch, into=BUILD)
    if not passed:
        return story.end("failed", f"none of {len(written)} samples passes acceptance", BUILD)
    yield Merge(source=BUILD, into=RESULT)
    reason = f"{len(passed)} of {len(written)} samples passed acceptance; {agree} of those agree"
    return story.end("passed", reason, RESULT)


def _rejected(found: list[Candidate]) -> Exception:
    return Unanswered("; ".join(dict.fromkeys(one.why for one in found)))


def _end(a: Assignment, one: Candidate, chosen: bool) -> TaskEnd:
    status: Status = "failed" if not one.branch else "merged" if chosen else "unused"
    task = Task(id=one.name, goal=a.goal[:4000])
    why = one.why or ("passed acceptance" if one.passed else "")
    return TaskEnd(task, one.branch, status, 1, one.seat, why, one.content)
