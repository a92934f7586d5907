"""A debate: everybody proposes, everybody votes; further rounds revise after hearing the others.

Peers are heard under aliases. The ballots of the first round are always cast, so each debate records what
a plain vote would have chosen.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from hekaton_runtime.answers import AnswerName, Ballot, Proposal
from hekaton_runtime.brief import Brief, Heard
from hekaton_runtime.effects import Ask, Note, Round
from hekaton_runtime.results import Files, HeardAll
from hekaton_runtime.strategies.steps import OutOfBudget, Step, Unanswered, opened
from hekaton_runtime.strategies.values import Assignment, Debate, DebateRound, Seat

ALIASES = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
Proposals = dict[str, Proposal]
A_ROUND = "debate"


@dataclass(frozen=True, slots=True)
class Floor:
    """What stays the same through a debate."""

    a: Assignment
    names: dict[str, Seat]
    """Alias -> seat."""
    notes: tuple[str, ...]
    seen: Files

    def brief(
        self, step: Literal["propose", "vote"], notes: tuple[str, ...], heard: tuple[Heard, ...]
    ) -> Brief:
        return Brief(
            step=step, goal=self.a.goal, acceptance=self.a.acceptance, tree=self.seen.tree,
            files=self.seen.files, notes=self.notes + notes, heard=heard,
        )  # fmt: skip


def debate(
    a: Assignment, seats: tuple[Seat, ...], notes: tuple[str, ...], seen: Files
) -> Step[Debate]:
    """Rounds until one approach has all votes or `rules.debate_rounds` are over."""
    seats = seats[: len(ALIASES)]
    names = dict(zip(ALIASES, seats, strict=False))
    floor = Floor(a, names, notes, seen)
    proposals: Proposals = {}
    rounds: list[DebateRound] = []
    head = ""
    for number in range(max(1, a.rules.debate_rounds)):
        yield Note(
            phase=A_ROUND, text=f"round {number + 1}: {len(seats)} propose", round=number + 1
        )
        proposals, head = yield from _propose(floor, proposals, number, head)
        votes, head = yield from _vote(floor, proposals, number, head)
        winner = _tally(proposals, votes)
        approaches = tuple((alias, said.approach) for alias, said in sorted(proposals.items()))
        rounds.append(DebateRound(approaches, tuple(votes.items()), winner))
        if set(votes.values()) == {winner}:
            break
    winner = rounds[-1].winner
    seated = tuple((alias, seat.name) for alias, seat in names.items())
    return Debate(tuple(rounds), seated, winner, _words(proposals[winner]))


def _propose(
    floor: Floor, before: Proposals, number: int, head: str
) -> Step[tuple[Proposals, str]]:
    """Everybody's proposal; who fails to answer keeps the one of the round before."""
    asks = []
    for alias, seat in floor.names.items():
        heard = tuple(
            Heard(alias=x, text=_words(p)) for x, p in sorted(before.items()) if x != alias
        )
        own = (f"Your own proposal was: {_words(before[alias])}",) if alias in before else ()
        asks.append(_question(seat, floor.brief("propose", own, heard), "proposal"))
    closed: HeardAll = yield _round(floor, tuple(asks), f"proposals {number + 1}", head)
    said = dict(before)
    why: Exception | None = None
    for (alias, seat), answer in zip(floor.names.items(), closed.answers, strict=True):
        try:
            proposal = opened(answer, Proposal, seat)
        except (Unanswered, OutOfBudget) as fault:
            why = fault
            continue
        if isinstance(proposal, Proposal):
            said[alias] = proposal
    if not said:
        raise why or Unanswered("nobody in the debate gave a usable proposal")
    return said, closed.head


def _vote(
    floor: Floor, proposals: Proposals, number: int, head: str
) -> Step[tuple[dict[str, str], str]]:
    """Everybody's ballot -> (seat -> alias). Ballots for nobody, or for none that stands, do not count."""
    heard = tuple(
        Heard(alias=alias, text=_words(said)) for alias, said in sorted(proposals.items())
    )
    seats = tuple(floor.names.values())
    asks = tuple(
        _question(seat, floor.brief("vote", (), heard), "ballot", index)
        for index, seat in enumerate(seats)
    )
    closed: HeardAll = yield _round(floor, asks, f"ballots {number + 1}", head)
    votes = {}
    for seat, answer in zip(seats, closed.answers, strict=True):
        try:
            ballot = opened(answer, Ballot, seat)
        except (Unanswered, OutOfBudget):
            continue
        if isinstance(ballot, Ballot) and ballot.choice in proposals:
            votes[seat.name] = ballot.choice
    return votes, closed.head


def _question(seat: Seat, brief: Brief, answer: AnswerName, sample: int = 0) -> Ask:
    return Ask(
        agent=seat.name, brief=brief, answer=answer, account=(A_ROUND, seat.name), sample=sample
    )


def _round(floor: Floor, asks: tuple[Ask, ...], topic: str, head: str) -> Round:
    rules = floor.a.rules
    return Round(
        asks=asks, quorum=rules.quorum, seconds=rules.round_seconds, topic=topic, head=head
    )


def _tally(proposals: Proposals, votes: dict[str, str]) -> str:
    """Most votes; the earlier alias where votes are even."""
    count = Counter(votes.values())
    return min(proposals, key=lambda alias: (-count[alias], alias))


def _words(proposal: Proposal) -> str:
    lines = [proposal.approach]
    lines += [f"because: {reason}" for reason in proposal.reasons]
    lines += [f"risk: {risk}" for risk in proposal.risks]
    return "\n".join(lines)
