"""Who hears whom in a debate, and who speaks at the same time. Pure; seats are numbers from 0."""

from typing import assert_never

from hekaton_runtime.strategies.values import Topology


def hears(topology: Topology, seat: int, seats: int) -> tuple[int, ...]:
    """Whom this seat hears before it speaks again, in ascending order; never itself."""
    others = tuple(other for other in range(seats) if other != seat)
    match topology:
        case "all-to-all":
            return others
        case "ring":
            return tuple(other for other in others if other == (seat - 1) % seats)
        case "star":
            return others if seat == 0 else (0,)
        case "pairs":
            return tuple(other for other in others if _pair(other, seats) == _pair(seat, seats))
        case "pipeline":
            return (seat - 1,) if seat else ()
        case _:
            assert_never(topology)


def turns(topology: Topology, seats: int) -> tuple[tuple[int, ...], ...]:
    """The groups that speak one after the other in a round; within a group all speak at once."""
    if topology == "pipeline":
        return tuple((seat,) for seat in range(seats))
    return (tuple(range(seats)),)


def _pair(seat: int, seats: int) -> int:
    """Red and blue, two by two; an odd seat at the end joins the last pair."""
    return min(seat // 2, max(0, seats // 2 - 1))
