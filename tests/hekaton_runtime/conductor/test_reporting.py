"""What a SITREP is made of, at its edges."""

from hekaton_runtime.conductor.engine import Moment
from hekaton_runtime.conductor.reporting import debated, phases
from hekaton_runtime.effects import Note
from hekaton_runtime.report.values import Phase
from hekaton_runtime.results import Noted
from hekaton_runtime.strategies.values import Debate, DebateRound


def note(phase: str, at: float) -> Moment:
    return Moment("/1", Note(phase=phase), Noted(), at)


def test_a_mission_that_was_stopped_before_its_first_note_has_no_phases() -> None:
    assert phases([], 9.0) == ()


def test_a_phase_ends_where_the_next_begins() -> None:
    course = [note("build", 1.0), note("build", 2.0), note("verify", 4.0)]
    assert phases(course, 9.0) == (Phase("build", 1.0, 4.0), Phase("verify", 4.0, 9.0))


def test_a_debate_is_about_whole_answers_where_they_were_executed() -> None:
    spoken = DebateRound((("A", "sum"), ("B", "loop")), (("r", "A"),), "A")
    tried = DebateRound(spoken.proposals, (), "B", (("A", False), ("B", True)))
    seats = (("A", "r"), ("B", "s"))
    of_words = debated(Debate((spoken,), seats, "A", "sum"))
    of_answers = debated(Debate((tried,), seats, "B", "loop"))
    assert of_words is not None
    assert of_answers is not None
    assert (of_words.topic, of_answers.topic) == ("the approach", "whole answers")
