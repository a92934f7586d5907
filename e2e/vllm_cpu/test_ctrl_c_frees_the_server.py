"""Promise: Ctrl-C ends the server's work within seconds, and `hekaton resume` goes on from there.

The call that was cut off stays charged at its reservation, since nobody can tell what it cost; all
others are charged as the server counted them, and none is made twice.
"""

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from vllm_cpu.commands import FORMATION, MISSION, Account, Hekaton, Ran, ended, tell
from vllm_cpu.judging import ABORTED
from vllm_cpu.serving import NAME, Counters, Server

IN_THE_SECOND_CALL = 650
"""Tokens generated; one answer of the sapper has 600 at most."""
FREED = 5.0
"""Seconds from the signal until the server computes and queues nothing."""
GONE = 15.0
"""Seconds from the signal until the command has ended, its SITREP written."""


@dataclass(frozen=True, slots=True)
class Course:
    """A mission stopped by Ctrl-C in the middle of a call, and resumed."""

    stopped: Ran
    freed: float
    gone: float
    at_stop: Account
    resumed: Ran
    at_end: Account
    counters: tuple[Counters, Counters, Counters]
    """Of the server: before, when stopped, at the end."""
    aborted: int
    """Requests that the server says it broke off."""


def until(true: Callable[[], bool], seconds: float) -> float:
    """Wait; returns how long it took."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() < began + seconds, f"not within {seconds:g} s"
        time.sleep(0.05)
    return time.monotonic() - began


@pytest.fixture(scope="module")
def course(server: Server, hekaton: Hekaton) -> Course:
    before, said = server.settled(), len(server.said())
    process = hekaton.begin(
        "run", MISSION, "--mode", "single", "--formation", FORMATION, "--base-url", server.url, "--model", NAME, "--json"
    )  # fmt: skip

    def busy() -> bool:
        now = server.counters()
        return now.running == 1 and now.generated - before.generated >= IN_THE_SECOND_CALL

    until(busy, 300)
    tell(process, signal.SIGINT)
    pressed = time.monotonic()
    freed = until(lambda: server.counters().running == 0, 60)
    stopped = ended(process)
    gone = time.monotonic() - pressed
    middle, mission = server.settled(), stopped.finished.mission
    at_stop = hekaton.account(mission)
    resumed = hekaton.run("resume", mission, "--json")
    counters = (before, middle, server.settled())
    aborted = server.said()[said:].count(ABORTED)
    return Course(
        stopped, freed, gone, at_stop, resumed, hekaton.account(mission), counters, aborted
    )


def test_the_server_is_free_within_5_seconds_and_the_command_ends_with_exit_code_3(
    course: Course, figure: Callable[[str], None]
) -> None:
    assert course.freed < FREED
    assert course.gone < GONE
    assert (course.stopped.code, course.stopped.finished.outcome) == (3, "stopped")
    assert f"hekaton resume {course.stopped.finished.mission}" in course.stopped.finished.reason
    figure(
        f"Ctrl-C: server free after {course.freed:.2f} s, command ended after {course.gone:.2f} s"
    )


def test_the_call_that_was_cut_off_stays_charged_at_more_than_it_used(
    course: Course, figure: Callable[[str], None]
) -> None:
    before, middle, _ = course.counters
    account = course.at_stop
    charged, used = (
        account.spent - account.model.tokens,
        middle.tokens - before.tokens - account.model.tokens,
    )
    assert (account.state, account.reserved, account.model.unknown_calls) == ("stopped", 0, 1)
    assert 0 < used <= charged
    assert course.aborted == 1
    figure(f"Ctrl-C: the call cut off used {used} tokens and is charged {charged}")


def test_resume_goes_on_to_the_honest_end_and_repeats_no_finished_call(
    course: Course, figure: Callable[[str], None]
) -> None:
    _, middle, last = course.counters
    ended_by_then = course.at_stop.model.calls - course.at_stop.model.unknown_calls
    assert (course.resumed.code, course.at_end.state) == (1, "failed")
    assert course.at_end.model.unknown_calls == 1
    assert course.at_end.model.tokens - course.at_stop.model.tokens == last.tokens - middle.tokens
    assert len(course.stopped.replies) == ended_by_then >= 1
    assert len(course.resumed.replies) == last.finished - middle.finished
    assert course.at_end.model.calls == course.at_stop.model.calls + len(course.resumed.replies)
    figure(f"resume: {course.resumed.seconds:.1f} s, {len(course.resumed.replies)} further calls")
