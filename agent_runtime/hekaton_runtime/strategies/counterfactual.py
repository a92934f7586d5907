"""What a debate did to its outcome, beside what a plain vote of round 0 would have chosen. Pure."""

from hekaton_runtime.strategies.values import Debate


def plain_vote(debate: Debate) -> str:
    """The alias that round 0 chose, before anybody had heard anybody."""
    return debate.rounds[0].winner


def effect(debate: Debate) -> str:
    """Against the plain vote; right and wrong only where acceptance was run on both answers."""
    plain = plain_vote(debate)
    before = dict(debate.rounds[0].passed).get(plain)
    after = dict(debate.rounds[-1].passed).get(debate.winner)
    first, last = dict(debate.rounds[0].proposals), dict(debate.rounds[-1].proposals)
    same = plain == debate.winner and first.get(plain) == last.get(debate.winner)
    if before is None or after is None:
        return (
            "changed nothing" if same else "changed the choice; acceptance was run on neither side"
        )
    if before != after:
        return "changed wrong to right" if after else "changed right to wrong"
    if same:
        return "changed nothing"
    return f"changed the choice; acceptance {'passes' if after else 'fails'} for both"
