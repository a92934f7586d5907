"""Failure modes are labelled from what the journal shows, and only from that."""

from typing import Any

import pytest

from hekaton_runtime.answers import Design, FileChange, Task
from hekaton_runtime.brief import Brief, Finding
from hekaton_runtime.conductor.conduct import Ending
from hekaton_runtime.conductor.engine import Moment
from hekaton_runtime.conductor.labelling import labels
from hekaton_runtime.effects import Ask, Effect, Run, Write
from hekaton_runtime.results import Failed, Ran, Rejected, Result, Written
from hekaton_runtime.strategies.values import Conclusion

DESIGN = Design(
    summary="d", tasks=(Task(id="a", goal="g", checks=("make a",)), Task(id="b", goal="g"))
)


def ended(
    state: Any = "failed", kind: Any = "", reason: str = "r", design: Design | None = None
) -> Ending:
    return Ending(state, kind, reason, Conclusion("failed", reason, design=design))


def course(*steps: tuple[Effect, Result]) -> list[Moment]:
    return [Moment(f"/{n}", effect, result, float(n)) for n, (effect, result) in enumerate(steps)]


def write(
    branch: str = "task/a", content: str = "x", changed: bool = True
) -> tuple[Effect, Result]:
    files = (FileChange(path="a.py", content=content),)
    return (
        Write(branch=branch, base="build", files=files, message="m"),
        Written(commit="c", changed=changed),
    )


def run(passed: bool, acceptance: bool) -> tuple[Effect, Result]:
    ran = Ran(passed=passed, command="make", exit_code=1 - passed, output="", seconds=1.0)
    return Run(branch="build", commands=("make",), seconds=1.0, acceptance=acceptance), ran


ASK = Ask(agent="s", brief=Brief(step="build", goal="g"), answer="patch")
REFUSED = (write()[0], Rejected(findings=(Finding(text="leaves the tree"),)))
INVALID = (ASK, Failed(kind="invalid", detail="no JSON"))
CASES: dict[str, tuple[list[Moment], Ending, str]] = {
    "a refused path": (course(REFUSED), ended("passed"), "FM-1.1"),
    "a malformed answer": (course(INVALID), ended("passed"), "FM-1.2"),
    "the same patch again": (course(*[write()] * 3), ended("passed"), "FM-1.3"),
    "a circle": (course(), ended(reason="stuck: no change in 2 loops"), "FM-1.3"),
    "out of time": (course(run(False, True)), ended("stopped", "time"), "FM-1.5"),
    "out of tries": (course(run(False, True)), ended(reason="after 3 tries"), "FM-1.5"),
    "findings ignored": (course(write("task/repair-1", changed=False)), ended("passed"), "FM-2.5"),
    "words without deeds": (course(write(changed=False)), ended("passed"), "FM-2.6"),
    "an early end": (course(), ended("stopped", "budget"), "FM-3.1"),
    "tasks without checks": (course(), ended(design=DESIGN), "FM-3.2"),
    "checks that told wrong": (course(run(True, False), run(False, True)), ended(), "FM-3.3"),
}  # fmt: skip


@pytest.mark.parametrize(("moments", "ending", "code"), CASES.values(), ids=CASES)
def test_what_the_course_shows_gets_its_label(
    moments: list[Moment], ending: Ending, code: str
) -> None:
    assert code in {label.code for label in labels(moments, ending)}


def test_a_mission_without_a_fault_has_no_label() -> None:
    good = course(write(), run(True, False), run(True, True))
    assert labels(good, ended("passed", design=DESIGN)) == ()


def test_equal_samples_of_a_vote_are_no_repetition() -> None:
    same = course(*(write(f"try/sample-{n}") for n in range(5)))
    assert labels(same, ended("passed")) == ()
