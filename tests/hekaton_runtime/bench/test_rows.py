"""What status and course of a mission say, and how times add up."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hekaton_runtime.bench.rows import Course, Row, covered, ended, row, spans
from hekaton_runtime.conductor.records import Status

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
