"""A debate: everybody proposes, everybody votes; further rounds revise after hearing the others.

Peers are heard under aliases. The ballots of the first round are always cast, so each debate records what
a plain vote would have chosen.
"""

from collections import Counter

from hekaton_runtime.answers import Ballot, Proposal
from hekaton_runtime.brief import Brief, Heard
from hekaton_runtime.effects import Ask, Note, Round
from hekaton_runtime.results import HeardAll
from hekaton_runtime.strategies.steps import OutOfBudget, Step, Unanswered, opened
from hekaton_runtime.strategies.values import Assignment, Debate, DebateRound, Seat

ALIASES = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
Proposals = dict[str, Proposal]
A_ROUND = "debate"


def debate(a: Assignment, seats: tuple[Seat, ...], notes: tuple[str, ...]) -> Step[Debate]:
    """Rounds until one approach has all votes or `rules.debate_rounds` are over."""
    seats = seats[: len(ALIASES)]
    names = dict(zip(ALIASES, seats, strict=False))
    proposals: Proposals = {}
    rounds: list[DebateRound] = []
    head = ""
    for number in range(max(1, a.rules.debate_rounds)):
        yield Note(
            phase=A_ROUND, text=f"round {number + 1}: {len(seats)} propose", round=number + 1
        )
        proposals, head = yield from _propose(a, names, notes, proposals, number, head)
        votes, head = yield from _vote(a, names, notes, proposals, number, head)
        winner = _tally(proposals, votes)
        approaches = tuple((alias, said.approach) for alias, said in sorted(proposals.items()))
        rounds.append(DebateRound(approaches, tuple(votes.items()), winner))
        if set(votes.values()) == {winner}:
            break
    winner = rounds[-1].winner
    seated = tuple((alias, seat.name) for alias, seat in names.items())
    return Debate(tuple(rounds), seated, winner, _words(proposals[winner]))


def _propose(
    a: Assignment,
    names: dict[str, Seat],
    notes: tuple[str, ...],
    before: Proposals,
    number: int,
    head: str,
) -> Step[tuple[Proposals, str]]:
    """Everybody's proposal; who fails to answer keeps the one of the round before."""
    asks = []
    for alias, seat in names.items():
        heard = tuple(
            Heard(alias=x, text=_words(p)) for x, p in sorted(before.items()) if x != alias
        )
        own = (f"Your own proposal was: {_words(before[alias])}",) if alias in before else ()
        brief = Brief(
            step="propose", goal=a.goal, acceptance=a.acceptance, notes=notes + own, heard=heard
        )
        asks.append(
            Ask(agent=seat.name, brief=brief, answer="proposal", account=(A_ROUND, seat.name))
        )
    closed: HeardAll = yield _round(a, tuple(asks), f"proposals {number + 1}", head)
    said = dict(before)
    for (alias, seat), answer in zip(names.items(), closed.answers, strict=True):
        try:
            proposal = opened(answer, Proposal, seat)
        except Unanswered:
            continue
        if isinstance(proposal, Proposal):
            said[alias] = proposal
    if not said:
        raise Unanswered("nobody in the debate gave a usable proposal")
    return said, closed.head


def _vote(
    a: Assignment,
    names: dict[str, Seat],
    notes: tuple[str, ...],
    proposals: Proposals,
    number: int,
    head: str,
) -> Step[tuple[dict[str, str], str]]:
    """Everybody's ballot -> (seat -> alias). Ballots for nobody, or for none that stands, do not count."""
    heard = tuple(
        Heard(alias=alias, text=_words(said)) for alias, said in sorted(proposals.items())
    )
    brief = Brief(step="vote", goal=a.goal, acceptance=a.acceptance, notes=notes, heard=heard)
    asks = tuple(
        Ask(
            agent=seat.name,
            brief=brief,
            answer="ballot",
            account=(A_ROUND, seat.name),
            sample=index,
        )
        for index, seat in enumerate(names.values())
    )
    closed: HeardAll = yield _round(a, asks, f"ballots {number + 1}", head)
    votes = {}
    for seat, answer in zip(names.values(), closed.answers, strict=True):
        try:
            ballot = opened(answer, Ballot, seat)
        except (Unanswered, OutOfBudget):
            continue
        if isinstance(ballot, Ballot) and ballot.choice in proposals:
            votes[seat.name] = ballot.choice
    return votes, closed.head


def _round(a: Assignment, asks: tuple[Ask, ...], topic: str, head: str) -> Round:
    return Round(
        asks=asks, quorum=a.rules.quorum, seconds=a.rules.round_seconds, topic=topic, head=head
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
