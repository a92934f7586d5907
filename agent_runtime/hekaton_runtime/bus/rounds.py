"""One debate round as a value: who is still out, what was heard, when it closes, was it quorate.

Pure: time is an argument. A round is open until all outcomes are in or its deadline passed; then it
drains: what still comes is late, counts for the ledger alone and never enters the transcript.
"""

from dataclasses import dataclass, replace
from typing import assert_never

import msgspec

from hekaton_runtime.bus.messages import Answered, Faulted, OpenRound, Outcome, RoundClosed, body_of
from hekaton_runtime.bus.transcript import Entry, EntryKind, link


@dataclass(frozen=True, slots=True)
class Round:
    """`outstanding` are the orders with no outcome yet; `closed` is set from the close on."""

    opened: OpenRound
    deadline: float
    outstanding: tuple[str, ...]
    entries: tuple[Entry, ...]
    answers: int = 0
    closed: RoundClosed | None = None

    @property
    def head(self) -> str:
        """The newest hash of the chain."""
        return self.entries[-1].hash

    @property
    def quorate(self) -> bool:
        """Were enough orders answered so far."""
        return self.answers >= self.opened.quorum

    def due(self, now: float) -> bool:
        """Must the round close now: everybody was heard, or the deadline passed."""
        return self.closed is None and (not self.outstanding or now >= self.deadline)


def open_round(opened: OpenRound, now: float) -> Round:
    """Begin a round: its first entry binds the round's name, topic, orders, quorum and deadline."""
    # The epoch names a broker's lifetime; without it a replay gives the same chain bit for bit.
    body = body_of(msgspec.structs.replace(opened, epoch=""))
    first = link(0, opened.head, opened.round, opened.topic, "opened", body)
    return Round(opened, now + opened.seconds, opened.orders, (first,))


def hear(state: Round, order: str, agent: str, outcome: Outcome) -> tuple[Round, Outcome]:
    """Take one order's outcome; return the round after it and the outcome the caller is told."""
    left = tuple(name for name in state.outstanding if name != order)
    if state.closed is not None:
        return replace(state, outstanding=left), late(outcome)
    kind: EntryKind = "answered" if isinstance(outcome, Answered) else outcome.kind
    entry = link(len(state.entries), state.head, order, agent, kind, body_of(outcome))
    after = replace(
        state,
        outstanding=left,
        entries=(*state.entries, entry),
        answers=state.answers + isinstance(outcome, Answered),
    )
    return after, outcome


def close(state: Round) -> Round:
    """Close: what is outstanding now is missing, and the transcript is final."""
    return replace(state, closed=verdict(state))


def verdict(state: Round) -> RoundClosed:
    """Say how a round stands."""
    return RoundClosed(
        round=state.opened.round,
        missing=state.outstanding,
        entries=state.entries,
        head=state.head,
        quorate=state.quorate,
    )


def late(outcome: Outcome) -> Faulted:
    """What an outcome means once its round is closed: its cost alone."""
    match outcome:
        case Answered():
            return Faulted(
                kind="late",
                detail="the answer came after the round had closed",
                usage=outcome.usage,
                billed=True,
            )
        case Faulted():
            return Faulted(
                kind="late",
                detail=f"the round had closed: {outcome.detail}",
                usage=outcome.usage,
                billed=outcome.billed,
            )
        case _:
            assert_never(outcome)
