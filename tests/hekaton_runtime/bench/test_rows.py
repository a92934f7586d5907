"""What status and course of a mission say, and how times add up."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hekaton_runtime.bench.rows import Course, Row, course, covered, ended, row, spans
from hekaton_runtime.conductor.engine import Moment
from hekaton_runtime.conductor.records import Status
from hekaton_runtime.effects import Effect, Note, Run
from hekaton_runtime.results import Noted, Ran, Result

STATUS = Status(
    id="m-1", name="m", mode="swarm", state="passed", reason="acceptance passed", stop_kind="", phase="", detail="",
    round=0, wave=0, tasks_done=0, tasks_total=0, score=None, simulated=True, spent_tokens=4000, cap_tokens=9000,
    spent_micros=70, cap_micros=90, reserved_tokens=0, reserved_micros=0, owned=False, created=0.0, ended=9.0,
    artifact=None,
)  # fmt: skip
SPAN = st.tuples(st.integers(0, 50), st.integers(0, 20)).map(
    lambda s: (float(s[0]), float(s[0] + s[1]))
)


def test_a_mission_that_passed_at_once_is_a_first_try() -> None:
    made = row("T/1", 3, STATUS, Course("LOW", (True,)), ((1.0, 3.0), (10.0, 10.5)))
    assert (made.outcome, made.first_try, made.loops, made.latency) == ("PASS", True, 0, 2.5)
    assert made.token_roi == 0.25
    assert made.simulated
    assert not made.resumable


def run(passed: bool, branch: str = "build") -> tuple[Effect, Result]:
    ran = Ran(passed=passed, command="c", exit_code=int(not passed), output="", seconds=0.1)
    return Run(branch=branch, commands=("c",), seconds=9, acceptance=True), ran


def note(text: str) -> tuple[Effect, Result]:
    return Note(phase="verify", text=text), Noted()


def seen(*steps: tuple[Effect, Result]) -> Course:
    return course([Moment("", effect, result, 0.0) for effect, result in steps])


def test_the_look_at_acceptance_before_building_is_no_repair() -> None:
    made = row("T/1", 0, STATUS, seen(run(False), note("loop 0"), run(True)), ())
    assert (made.loops, made.first_try, made.accepted) == (0, True, True)


def test_tries_of_a_debate_are_no_repairs_of_what_was_built() -> None:
    tries = (note("round 1: 2 answers"), run(False, "try/a-0"), run(True, "try/b-0"))
    made = row("T/1", 0, STATUS, seen(*tries, note("loop 0"), run(True)), ())
    assert (made.loops, made.first_try, made.accepted) == (0, True, True)


@pytest.mark.parametrize(("state", "right"), [("passed", True), ("failed", False)])
def test_a_vote_repairs_nothing_so_its_outcome_is_its_first_try(state: str, right: bool) -> None:
    samples = [run(right and n == 1, f"try/sample-{n}") for n in range(5)]
    status = replace(STATUS, mode="vote", state=state)
    made = row("T/1", 0, status, seen(*samples, note("majority")), ())
    assert (made.loops, made.first_try, made.accepted) == (0, right, right)


def test_each_loop_after_the_first_is_a_repair() -> None:
    steps = (note("loop 0"), run(False), note("loop 1"), run(False), note("loop 2"), run(True))
    made = row("T/1", 0, STATUS, seen(*steps), ())
    assert (made.loops, made.first_try, made.accepted) == (2, False, True)


def test_a_review_may_fail_what_the_tests_accept() -> None:
    failed = replace(STATUS, state="failed")
    made = row("T/1", 0, failed, Course("", (False, True, True)), ((0.0, 1.0),))
    assert (made.outcome, made.first_try, made.accepted, made.loops) == ("FAIL", False, True, 2)
    assert made.token_roi == 0


@pytest.mark.parametrize(
    ("kind", "for_good"),
    [("budget", True), ("time", True), ("killed", True), ("interrupted", False), ("unavailable", False)],
)  # fmt: skip
def test_a_stopped_mission_ended_unless_it_can_go_on(kind: str, for_good: bool) -> None:
    stopped = replace(STATUS, state="stopped", stop_kind=kind)
    made = row("T/1", 0, stopped, Course("", ()), ())
    assert ended(stopped) is for_good
    assert (made.outcome, made.resumable, made.loops) == ("STOPPED", not for_good, 0)


def test_nobody_works_between_two_owners() -> None:
    assert spans(1.0, 30.0, ((2.0, 5.0), (20.0, 29.0))) == ((1.0, 5.0), (20.0, 30.0))
    assert spans(1.0, 30.0, ()) == ((1.0, 30.0),)


@given(st.lists(SPAN, max_size=8))
def test_time_that_several_missions_share_counts_once(
    given_spans: list[tuple[float, float]],
) -> None:
    seconds = {second for start, end in given_spans for second in range(int(start), int(end))}
    assert covered(given_spans) == len(seconds)


def test_a_row_without_tokens_has_no_return(make_row: Callable[..., Row]) -> None:
    assert make_row(tokens=0).token_roi == 0
