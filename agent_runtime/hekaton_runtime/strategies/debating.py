"""A debate: everybody answers alone, then revises after hearing others, and at last one answer stands.

Peers are heard under aliases that are drawn anew for each debate. The ballots of round 0 are kept, so each
debate records what a plain vote would have chosen. Further rounds open only while answers differ and no
executed check decides; nothing overturns an answer that passed.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from hekaton_runtime.answers import AnswerName, Ballot, Proposal
from hekaton_runtime.brief import Brief, Finding, Heard
from hekaton_runtime.brief import Step as Kind
from hekaton_runtime.effects import Ask, Note, Round
from hekaton_runtime.results import Files, HeardAll
from hekaton_runtime.strategies.content import majority, normal_text
from hekaton_runtime.strategies.steps import OutOfBudget, Step, Unanswered, opened
from hekaton_runtime.strategies.topology import hears, turns
from hekaton_runtime.strategies.values import Assignment, DebateRound, Seat, Topology

ALIASES = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
A_ROUND = "debate"


@dataclass(frozen=True, slots=True)
class Stand:
    """Where one debater stands: its words, and what came of them where they could be executed."""

    words: str
    approach: str
    content: str
    """The same for answers that say the same."""
    answer: Any
    branch: str = ""
    passed: bool | None = None
    """By the acceptance commands; None where that was not tried."""
    findings: tuple[Finding, ...] = ()


Stands = dict[int, Stand]
"""By seat."""


@dataclass(frozen=True, slots=True)
class Matter:
    """What is debated: approaches in words, or whole answers that can be executed."""

    name: AnswerName
    kind: type[Any]
    first: Kind
    again: Kind
    stand: Callable[[Any], Stand]
    check: "Callable[[Floor, Stands, int], Step[Stands]] | None" = None
    """Executes what has not been yet; the number is the round's."""


@dataclass(frozen=True, slots=True)
class Floor:
    """What stays the same through a debate."""

    a: Assignment
    seats: tuple[Seat, ...]
    notes: tuple[str, ...]
    seen: Files
    matter: Matter
    edition: int
    aliases: tuple[str, ...]
    """Of the seats, in their order."""

    @property
    def topology(self) -> Topology:
        """The first edition knew one only."""
        return self.a.rules.topology if self.edition > 1 else "all-to-all"

    def brief(
        self, step: Kind, notes: tuple[str, ...], heard: tuple[Heard, ...],
        findings: tuple[Finding, ...] = (),
    ) -> Brief:  # fmt: skip
        return Brief(
            step=step, goal=self.a.goal, acceptance=self.a.acceptance, tree=self.seen.tree,
            files=self.seen.files, notes=self.notes + notes, findings=findings, heard=heard,
        )  # fmt: skip

    def heard(self, stands: Stands, seats: tuple[int, ...]) -> tuple[Heard, ...]:
        """What these seats say, in the order of their aliases."""
        said = sorted((self.aliases[i], stands[i].words) for i in seats if i in stands)
        return tuple(Heard(alias=alias, text=words) for alias, words in said)


@dataclass(frozen=True, slots=True)
class Held:
    """One round as it was held."""

    stands: Stands
    votes: dict[str, int]
    """Voter -> seat."""
    winner: int
    head: str


def rounds(floor: Floor) -> Step[tuple[Floor, list[Held], str]]:
    """Round 0 and what may follow -> the floor with its aliases, the rounds, why the last one was it."""
    rules = floor.a.rules
    # The first edition counted round 0 among the rounds of critique.
    most = rules.debate_rounds if floor.edition > 1 else max(1, rules.debate_rounds) - 1
    history: list[Held] = []
    stands: Stands = {}
    head = ""
    for number in range(most + 1):
        text = f"round {number + 1}: {len(floor.seats)} propose"
        yield Note(phase=A_ROUND, text=text, round=number + 1)
        stands, head, order = yield from _speak(floor, stands, number, head)
        if not history:
            floor = replace(floor, aliases=drawn(order, len(floor.seats)))
        if floor.matter.check:
            stands = yield from floor.matter.check(floor, stands, number)
        held = yield from _hold(floor, stands, number, head)
        history.append(held)
        head = held.head
        if why := _closed(floor, held):
            return floor, history, why
    return floor, history, f"rounds of critique held: {most} of {most}" if most else "a plain vote"


def drawn(order: tuple[int, ...], seats: int) -> tuple[str, ...]:
    """Aliases in the drawn order; without one, in the order of the seats."""
    if sorted(order) != list(range(seats)):
        return tuple(ALIASES[:seats])
    return tuple(ALIASES[order.index(seat)] for seat in range(seats))


def told(floor: Floor, held: Held) -> DebateRound:
    """A round for the report."""
    said = sorted((floor.aliases[i], stand) for i, stand in held.stands.items())
    return DebateRound(
        tuple((alias, stand.approach) for alias, stand in said),
        tuple((voter, floor.aliases[seat]) for voter, seat in held.votes.items()),
        floor.aliases[held.winner],
        tuple((alias, stand.passed) for alias, stand in said if stand.passed is not None),
    )


def ballots(
    floor: Floor, stands: Stands, seats: tuple[Seat, ...], topic: str, head: str
) -> Step[tuple[dict[str, int], str]]:
    """A ballot each -> (voter -> seat). Ballots for nobody, or for none that stands, do not count."""
    heard = floor.heard(stands, tuple(stands))
    brief = floor.brief("vote", (), heard)
    asks = tuple(_question(seat, brief, "ballot", index) for index, seat in enumerate(seats))
    closed: HeardAll = yield _round(floor, asks, topic, head)
    by_alias = {floor.aliases[i]: i for i in stands}
    votes = {}
    for seat, answer in zip(seats, closed.answers, strict=True):
        try:
            ballot = opened(answer, Ballot, seat)
        except (Unanswered, OutOfBudget):
            continue
        if isinstance(ballot, Ballot) and ballot.choice in by_alias:
            votes[seat.name] = by_alias[ballot.choice]
    return votes, closed.head


def tally(floor: Floor, stands: Stands, votes: dict[str, int]) -> int:
    """Most votes; the earlier alias where votes are even."""
    count = Counter(votes.values())
    return min(stands, key=lambda seat: (-count[seat], floor.aliases[seat]))


def passing(stands: Stands) -> Stands:
    return {seat: stand for seat, stand in stands.items() if stand.passed}


def most_common(floor: Floor, stands: Stands) -> int:
    """A member of the largest class of equal answers; the earlier alias where they are even."""
    seats = sorted(stands, key=lambda seat: floor.aliases[seat])
    return seats[majority([stands[seat].content for seat in seats])]


def stand_of(proposal: Proposal) -> Stand:
    lines = [proposal.approach]
    lines += [f"because: {reason}" for reason in proposal.reasons]
    lines += [f"risk: {risk}" for risk in proposal.risks]
    approach = proposal.approach
    return Stand("\n".join(lines), approach, normal_text(approach), proposal)


APPROACH = Matter("proposal", Proposal, "propose", "propose", stand_of)


def _hold(floor: Floor, stands: Stands, number: int, head: str) -> Step[Held]:
    """Decide the round: by what passed, by agreement, else by ballots."""
    if passed := passing(stands):
        return Held(stands, {}, most_common(floor, passed), head)
    agreed = len({stand.content for stand in stands.values()}) == 1
    if agreed and floor.edition > 1:
        return Held(stands, {}, most_common(floor, stands), head)
    votes, head = yield from ballots(floor, stands, floor.seats, f"ballots {number + 1}", head)
    return Held(stands, votes, tally(floor, stands, votes), head)


def _closed(floor: Floor, held: Held) -> str:
    """Why no further round can help; empty: it may."""
    if passing(held.stands):
        return "acceptance decides: an answer passed"
    if floor.edition > 1 and len({stand.content for stand in held.stands.values()}) == 1:
        return "the answers agree" if len(held.stands) > 1 else "one answer only"
    if set(held.votes.values()) == {held.winner}:
        return "consensus: all ballots for one"
    return ""


def _speak(
    floor: Floor, before: Stands, number: int, head: str
) -> Step[tuple[Stands, str, tuple[int, ...]]]:
    """Everybody's answer; who fails to give one keeps the one of the round before."""
    everybody = tuple(range(len(floor.seats)))
    groups = turns(floor.topology, len(everybody)) if before else (everybody,)
    stands, order = dict(before), tuple[int, ...]()
    why: Exception | None = None
    for group in groups:
        asks = tuple(_ask(floor, stands, seat, number) for seat in group)
        topic = f"proposals {number + 1}"
        closed: HeardAll = yield _round(floor, asks, topic, head)
        head, order = closed.head, closed.order
        for seat, answer in zip(group, closed.answers, strict=True):
            try:
                said = opened(answer, floor.matter.kind, floor.seats[seat])
            except (Unanswered, OutOfBudget) as fault:
                why = fault
                continue
            if isinstance(said, str):
                why = Unanswered(f"nobody in the debate gave a usable answer: {said}")
            else:
                stands[seat] = floor.matter.stand(said)
    if not stands:
        raise why or Unanswered("nobody debates")
    return stands, head, order


def _ask(floor: Floor, stands: Stands, seat: int, number: int) -> Ask:
    own = stands.get(seat)
    said = (f"Your own proposal was: {own.words}",) if own else ()
    others = hears(floor.topology, seat, len(floor.seats))
    step = floor.matter.again if number else floor.matter.first
    brief = floor.brief(step, said, floor.heard(stands, others), own.findings if own else ())
    # With one seed, seats of one model would all say the same.
    sample = seat if floor.edition > 1 else 0
    return _question(floor.seats[seat], brief, floor.matter.name, sample)


def _question(seat: Seat, brief: Brief, answer: AnswerName, sample: int) -> Ask:
    return Ask(
        agent=seat.name, brief=brief, answer=answer, account=(A_ROUND, seat.name), sample=sample
    )


def _round(floor: Floor, asks: tuple[Ask, ...], topic: str, head: str) -> Round:
    rules = floor.a.rules
    quorum = rules.quorum if len(asks) == len(floor.seats) else 0
    return Round(asks=asks, quorum=quorum, seconds=rules.round_seconds, topic=topic, head=head)
