"""Mode `hierarchical` (HMA): an analyst's brief, workers under a manager, reduce, loop.

goal -> brief (MECE), rated DAG -> workers, each as its needs are met -> verify -> audit -> report
             ^                     |  budgets by weight, anew each wave     |
             |                     +- interrupted: partial work kept        |
             +----------- reduce: outcomes, partial work, findings ---------+
"""

from hekaton_runtime.answers import Charter, Design, Task
from hekaton_runtime.effects import Merge, Read
from hekaton_runtime.results import Ran
from hekaton_runtime.strategies.building import BUILD, RESULT
from hekaton_runtime.strategies.charters import draw_up, outcome, renamed
from hekaton_runtime.strategies.content import normal_text
from hekaton_runtime.strategies.finishing import IDLE, judge
from hekaton_runtime.strategies.reviewing import left_open, verify
from hekaton_runtime.strategies.shift import Shift, work_off
from hekaton_runtime.strategies.steps import OutOfBudget, Step, everything
from hekaton_runtime.strategies.stuck import stuck
from hekaton_runtime.strategies.values import Assignment, Conclusion, Story, Turn


def hierarchical(a: Assignment, story: Story) -> Step[Conclusion]:
    """At most `rules.max_loops` reductions of what the first brief led to."""
    charter, telling = yield from _begin(a, story)
    audited = bool(a.team.named("auditor"))
    for number in range(a.rules.max_loops + 1):
        charter = renamed(charter, number)
        story.design = _design(charter)
        shift = yield from work_off(a, charter, number, telling, story.edition)
        story.tasks += shift.ends
        _check_purse(shift)
        if why := _turned(story, shift):
            return story.end("failed", f"stuck: {why}", BUILD)
        if story.turns[-1].changed or not number:
            loop = yield from judge(a, story, story.design, number, audited)
            if not story.findings:
                yield Merge(source=BUILD, into=RESULT)
                story.findings = left_open(loop)
                reason = "acceptance and review passed" if loop.review else "acceptance passed"
                return story.end("passed", reason, RESULT)
            telling = not loop.accepted
        if number < a.rules.max_loops:
            charter = yield from _reduce(a, story, charter, shift)
    last = story.loops[-1]
    why = f"the review scored {last.score}" if last.accepted else "acceptance fails"
    return story.end("failed", f"{why} after {a.rules.max_loops + 1} loops", BUILD)


def _begin(a: Assignment, story: Story) -> Step[tuple[Charter, bool]]:
    """The analyst's charter, and beside it whether acceptance fails so far."""
    seen = yield Read(branch="base")
    if story.charter:  # mode `auto` asked for it already
        ran = yield from verify(a)
        return story.charter, not ran.passed
    found = yield from everything({"charter": draw_up(a, seen, story), "before": verify(a)})
    before: Ran = found["before"]
    return found["charter"], not before.passed


def _reduce(a: Assignment, story: Story, charter: Charter, shift: Shift) -> Step[Charter]:
    """The next brief holds what came of each task and the partial work of those that were stopped."""
    seen = yield Read(branch=BUILD)
    notes = (f"Brief so far: {charter.brief}", *map(outcome, shift.ends), *shift.partials)
    return (yield from draw_up(a, seen, story, "reduce", notes))


def _turned(story: Story, shift: Shift) -> str:
    """Take note of a whole loop -> why work goes in circles."""
    actions = sorted(end.action for end in shift.ends if end.action)
    changed = any(end.changed and end.status in ("merged", "unverified") for end in shift.ends)
    if not changed:
        story.findings = (IDLE, *(found for found in story.findings if found != IDLE))
    story.turns.append(Turn(normal_text(" ".join(actions)) if actions else "", changed))
    return stuck(story.turns)


def _check_purse(shift: Shift) -> None:
    """When no task at all had money for a single answer, the mission has none."""
    if all(end.status == "failed" and end.why.startswith("budget: ") for end in shift.ends):
        raise OutOfBudget(shift.ends[-1].why.removeprefix("budget: "))


def _design(charter: Charter) -> Design:
    tasks = tuple(
        Task(id=one.id, goal=one.goal, files=one.files, needs=one.needs, checks=one.checks)
        for one in charter.tasks
    )
    return Design(summary=charter.brief, interfaces=charter.interfaces, tasks=tasks)
