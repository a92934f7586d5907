"""The state of a round, without a bus."""

from hypothesis import given
from hypothesis import strategies as st

from hekaton_runtime.bus.messages import Answered, Faulted, OpenRound, Outcome
from hekaton_runtime.bus.rounds import Round, close, hear, open_round, verdict
from hekaton_runtime.bus.transcript import GENESIS, verify
from hekaton_runtime.results import Usage

ANSWER = Answered(
    text="yes",
    usage=Usage(prompt_tokens=1, completion_tokens=2),
    model="m",
    seconds=0.5,
    instance="i",
)
FAULT = Faulted(kind="lost", detail="gone", usage=None, billed=True)


def opened(orders: tuple[str, ...], quorum: int = 1, epoch: str = "e") -> Round:
    message = OpenRound(
        epoch=epoch,
        mission="m",
        round="r",
        orders=orders,
        quorum=quorum,
        seconds=10.0,
        topic="t",
        head=GENESIS,
    )
    return open_round(message, 100.0)


def test_a_round_is_due_at_its_deadline_or_when_all_are_in() -> None:
    state = opened(("a",))
    assert not state.due(109.9)
    assert state.due(110.0)
    after, _ = hear(state, "a", "x", ANSWER)
    assert after.due(100.0)
    assert not close(after).due(200.0)


def test_what_comes_after_the_close_is_late_and_keeps_its_cost() -> None:
    state = close(opened(("a", "b")))
    state, told = hear(state, "a", "x", ANSWER)
    assert isinstance(told, Faulted)
    assert (told.kind, told.usage, told.billed) == ("late", ANSWER.usage, True)
    assert len(state.entries) == 1
    assert verdict(state).missing == ("b",)


def test_the_chain_does_not_depend_on_the_broker_that_held_it() -> None:
    one, _ = hear(opened(("a",), epoch="1"), "a", "x", ANSWER)
    two, _ = hear(opened(("a",), epoch="2"), "a", "x", ANSWER)
    assert one.head == two.head


@given(st.lists(st.sampled_from([ANSWER, FAULT]), max_size=6), st.integers(0, 6))
def test_only_answers_count_for_the_quorum(outcomes: list[Outcome], quorum: int) -> None:
    state = opened(tuple(map(str, range(len(outcomes)))), quorum)
    for name, outcome in enumerate(outcomes):
        state, told = hear(state, str(name), "x", outcome)
        assert told == outcome
    closed = verdict(close(state))
    assert closed.quorate == (outcomes.count(ANSWER) >= quorum)
    assert closed.missing == ()
    verify(closed.entries, GENESIS, closed.head)
