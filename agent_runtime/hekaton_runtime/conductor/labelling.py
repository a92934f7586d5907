"""How a mission went wrong, in the words of MAST (arXiv 2503.13657), where its course decides it. Pure.

A label is given on evidence in the journal alone; the modes of failure that only a reader could tell
(derailment, withheld information, lost history) are never given. A mission may pass and still have labels.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from hekaton_runtime.conductor.conduct import Ending
from hekaton_runtime.conductor.engine import Moment
from hekaton_runtime.effects import Run, Write
from hekaton_runtime.journal.entries import Label
from hekaton_runtime.results import Failed, HeardAll, Ran, Rejected, Written

Course = Sequence[Moment]
Rule = Callable[[Course, Ending], Iterable[str]]
REPEATED = 3  # times


def labels(course: Course, ending: Ending) -> tuple[Label, ...]:
    """All that the course decides, in the order of the taxonomy."""
    return tuple(
        Label(code=code, name=name, text=text)
        for code, name, rule in RULES
        for text in rule(course, ending)
    )


def _disobeyed_task(course: Course, ending: Ending) -> Iterator[str]:
    for moment in course:
        if isinstance(moment.effect, Write) and isinstance(moment.result, Rejected):
            why = "; ".join(found.text for found in moment.result.findings)
            yield f"a patch for {moment.effect.branch} was refused: {why}"


def _disobeyed_form(course: Course, ending: Ending) -> Iterator[str]:
    found = [m.result for m in course if isinstance(m.result, Failed)]
    rounds = (m.result for m in course if isinstance(m.result, HeardAll))
    found += [one for heard in rounds for one in heard.answers if isinstance(one, Failed)]
    if many := sum(one.kind == "invalid" for one in found):
        yield f"{many} {'answer was' if many == 1 else 'answers were'} not of the form asked for"


def _repeated(course: Course, ending: Ending) -> Iterator[str]:
    """Samples of a vote may be alike; the same patch after a complaint is a repetition."""
    written = Counter(
        msgspec.msgpack.encode(moment.effect.files)
        for moment in course
        if isinstance(moment.effect, Write) and not moment.effect.branch.startswith("try/")
    )
    for many in written.values():
        if many >= REPEATED:
            yield f"the same patch was written {many} times"
    if ending.reason.startswith("stuck: "):
        yield ending.reason


def _no_end(course: Course, ending: Ending) -> Iterator[str]:
    if ending.kind == "time":
        yield ending.reason
    elif ending.state == "failed" and _tests(course) and not ending.reason.startswith("stuck: "):
        yield f"every try was used up: {ending.reason}"


def _ignored(course: Course, ending: Ending) -> Iterator[str]:
    if many := _idle(course, repairs=True):
        yield f"findings changed nothing in {many} {'repair' if many == 1 else 'repairs'}"


def _said_not_done(course: Course, ending: Ending) -> Iterator[str]:
    if many := _idle(course, repairs=False):
        what = "patch left" if many == 1 else "patches left"
        yield f"{many} {what} every file as it was"


def _too_early(course: Course, ending: Ending) -> Iterator[str]:
    if ending.state == "stopped" and not _tests(course):
        yield f"nothing was verified before the end: {ending.reason}"


def _unverified(course: Course, ending: Ending) -> Iterator[str]:
    tasks = ending.conclusion.design.tasks if ending.conclusion.design else ()
    bare = [task.id for task in tasks if not task.checks]
    if ending.state == "failed" and bare and len(tasks) > 1:
        yield f"tasks without checks of their own: {', '.join(bare)}"


def _wrongly_verified(course: Course, ending: Ending) -> Iterator[str]:
    checks = [m.result for m in course if isinstance(m.effect, Run) and not m.effect.acceptance]
    passed = sum(isinstance(ran, Ran) and ran.passed for ran in checks)
    tests = _tests(course)
    if passed and tests and not tests[-1].passed:
        yield f"{passed} checks of tasks passed, acceptance did not"


def _tests(course: Course) -> list[Ran]:
    return [
        m.result
        for m in course
        if isinstance(m.effect, Run) and m.effect.acceptance and isinstance(m.result, Ran)
    ]


def _idle(course: Course, *, repairs: bool) -> int:
    """Writes that changed nothing, in repairs or elsewhere."""
    return sum(
        isinstance(m.effect, Write)
        and isinstance(m.result, Written)
        and not m.result.changed
        and m.effect.branch.startswith("task/repair-") == repairs
        for m in course
    )


RULES: tuple[tuple[str, str, Rule], ...] = (
    ("FM-1.1", "disobey task specification", _disobeyed_task),
    ("FM-1.2", "disobey role specification", _disobeyed_form),
    ("FM-1.3", "step repetition", _repeated),
    ("FM-1.5", "unaware of termination conditions", _no_end),
    ("FM-2.5", "ignored other agent's input", _ignored),
    ("FM-2.6", "reasoning-action mismatch", _said_not_done),
    ("FM-3.1", "premature termination", _too_early),
    ("FM-3.2", "no or incomplete verification", _unverified),
    ("FM-3.3", "incorrect verification", _wrongly_verified),
)
