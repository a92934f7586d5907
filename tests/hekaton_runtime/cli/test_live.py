"""The live board: a pure fold of events, and every event in words."""

import io

import msgspec
import pytest
from rich.console import Console

from hekaton_runtime.cli.live import Board, line, render
from hekaton_runtime.conductor.events import (
    Asking,
    Ended,
    Event,
    Executed,
    Joined,
    Progress,
    Replied,
    Waiting,
)

REPLIED = Replied(
    agent="s1", step="build", fault="", tokens=100, micros=2500, model="simulated/m", seconds=1.25
)
EVENTS: list[tuple[Event, str]] = [
    (Progress(phase="build", text="a: s1"), "BUILD a: s1"),
    (Asking(agent="s1", step="build", tokens=900), "ask s1: build (up to 900 tokens reserved)"),
    (REPLIED, "s1: build answered in 1.2 s, 100 tokens, $0.002500"),
    (
        msgspec.structs.replace(REPLIED, fault="truncated"),
        "s1: build gave no usable answer: truncated",
    ),
    (
        Executed(branch="build", command="make", passed=False, seconds=2.0),
        "FAIL on build: make (2.0 s)",
    ),
    (Joined(source="task/a", into="build", why=""), "merged task/a into build"),
    (
        Joined(source="task/a", into="build", why="conflict: x"),
        "not merged task/a into build: conflict: x",
    ),
    (Waiting(why="the endpoint is away"), "waiting: the endpoint is away"),
    (Ended(mission="m", outcome="passed", reason="well"), "PASSED: well"),
]


@pytest.mark.parametrize(
    ("event", "words"), EVENTS, ids=[type(event).__name__ for event, _ in EVENTS]
)
def test_an_event_is_one_line_of_words(event: Event, words: str) -> None:
    assert line(event) == words


def test_the_board_counts_what_was_spent_and_who_is_asked() -> None:
    board = Board("title", 1000, 10_000, tokens=50)
    for event in (
        Progress(phase="build", text="", wave=2, tasks_done=1, tasks_total=3),
        Asking(agent="s1", step="build", tokens=900),
        Asking(agent="s2", step="build", tokens=900),
        REPLIED,
    ):
        board = board.after(event)
    assert (board.phase, board.wave, board.tasks_done, board.tasks_total) == ("build", 2, 1, 3)
    assert (board.tokens, board.micros, board.asking) == (150, 2500, ("s2",))


def test_the_board_can_be_drawn_on_a_narrow_terminal() -> None:
    console = Console(width=60, file=io.StringIO())
    console.print(render(Board("a title", 1000, 10_000, lines=("x" * 200,))))
    assert isinstance(console.file, io.StringIO)
    assert "a title" in console.file.getvalue()
