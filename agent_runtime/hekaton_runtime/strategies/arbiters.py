"""Who decides a debate in the end: the ballots, the auditors, or what executing the proposals showed."""

from dataclasses import replace

from hekaton_runtime.effects import Note, Strategy
from hekaton_runtime.results import Files
from hekaton_runtime.strategies.candidates import Candidate, sample
from hekaton_runtime.strategies.debating import (
    A_ROUND,
    ALIASES,
    APPROACH,
    Floor,
    Held,
    Matter,
    Stand,
    Stands,
    ballots,
    most_common,
    passing,
    rounds,
    tally,
    told,
)
from hekaton_runtime.strategies.steps import Step, everything
from hekaton_runtime.strategies.values import Assignment, Debate, Seat


def debate(
    a: Assignment, seats: tuple[Seat, ...], notes: tuple[str, ...], seen: Files,
    matter: Matter = APPROACH, edition: int = 1,
) -> Step[Debate]:  # fmt: skip
    """Hold the rounds, then let the formation's arbiter decide on what stands."""
    seats = seats[: len(ALIASES)]
    floor = Floor(a, seats, notes, seen, matter, edition, tuple(ALIASES[: len(seats)]))
    floor, history, why = yield from rounds(floor)
    last = history[-1]
    stands, winner, how = last.stands, last.winner, ""
    if edition > 1 and not passing(stands):
        stands, winner, how = yield from _arbitrate(floor, last)
    known = {one.content: one.passed for one in stands.values() if one.passed is not None}
    history[-1] = replace(last, stands=stands)  # the ballots keep their own winner
    held = tuple(told(floor, _annotated(one, known)) for one in history)
    seated = tuple((alias, seat.name) for alias, seat in zip(floor.aliases, seats, strict=True))
    chosen = stands[winner]
    return Debate(
        held, tuple(sorted(seated)), floor.aliases[winner], chosen.words, why + how,
        floor.topology, a.rules.arbiter, chosen.branch,
    )  # fmt: skip


def _annotated(held: Held, known: dict[str, bool]) -> Held:
    """An answer that was executed later had the same merit before."""
    stands = {
        seat: replace(one, passed=known.get(one.content)) if one.passed is None else one
        for seat, one in held.stands.items()
    }
    return replace(held, stands=stands)


def _arbitrate(floor: Floor, last: Held) -> Step[tuple[Stands, int, str]]:
    """What stands, which seat wins, and what decided in words."""
    stands = last.stands
    if len({one.content for one in stands.values()}) == 1:
        return stands, last.winner, ""
    match floor.a.rules.arbiter:
        case "auditor":
            auditors = floor.a.team.named("auditor")
            votes, _ = yield from ballots(floor, stands, auditors, "the auditors decide", last.head)
            if not votes:
                return stands, last.winner, "; no auditor gave a usable ballot, so the vote stands"
            return stands, tally(floor, stands, votes), "; the auditors decided"
        case "evidence" if floor.matter.check is None:
            stands = yield from _prototypes(floor, stands)
            return _by_evidence(floor, stands, last)
        case _:
            return stands, last.winner, ""


def _by_evidence(floor: Floor, stands: Stands, last: Held) -> tuple[Stands, int, str]:
    if not (passed := passing(stands)):
        return stands, last.winner, "; no prototype passed, so the vote stands"
    if last.votes:
        return stands, tally(floor, passed, last.votes), "; its prototype passed acceptance"
    return stands, most_common(floor, passed), "; its prototype passed acceptance"


def _prototypes(floor: Floor, stands: Stands) -> Step[Stands]:
    """Build each different proposal once and run the acceptance commands on it."""
    first: dict[str, int] = {}
    for seat in sorted(stands, key=lambda one: floor.aliases[one]):
        first.setdefault(stands[seat].content, seat)
    yield Note(phase=A_ROUND, text=f"evidence: {len(first)} prototypes")
    crew = floor.a.team.named("sapper") or floor.a.team.named("worker")
    bodies: dict[str, Strategy] = {
        f"prototype-{floor.aliases[seat].lower()}": _prototype(floor, stands, seat, crew)
        for seat in first.values()
    }
    built = yield from everything(bodies)
    by_content = dict(zip(first, built.values(), strict=True))
    return {seat: _shown(one, by_content[one.content]) for seat, one in stands.items()}


def _prototype(floor: Floor, stands: Stands, seat: int, crew: tuple[Seat, ...]) -> Strategy:
    alias = floor.aliases[seat].lower()
    builder = crew[seat % len(crew)]
    brief = floor.brief("build", (f"Chosen approach: {stands[seat].words}",), ())
    name = f"prototype-{alias}"
    return sample(floor.a, builder, brief, name, (A_ROUND, "prototypes"), seat)


def _shown(stand: Stand, candidate: Candidate) -> Stand:
    if candidate.fault:
        return stand
    return replace(stand, branch=candidate.branch, passed=candidate.passed)
