"""What a caller keeps of its orders and rounds while they are out, and a closed round's proof."""

import asyncio
from dataclasses import dataclass

from hekaton_runtime.bus.messages import (
    Answered,
    Faulted,
    OpenRound,
    Order,
    Outcome,
    RoundClosed,
    Submit,
    body_of,
    encode_checked,
)
from hekaton_runtime.bus.rounds import Round, hear, open_round, verdict
from hekaton_runtime.bus.transcript import TranscriptBroken, digest, verify
from hekaton_runtime.errors import BadInput


class Holding:
    """A round that is held: a mirror of what the broker heard, and its close."""

    def __init__(self, opened: OpenRound, closed: asyncio.Future[RoundClosed]) -> None:
        self.opened = opened
        self.closed = closed
        self.arrived: asyncio.Queue[tuple[str, Outcome]] = asyncio.Queue()
        self.heard: dict[str, Outcome] = {}
        self._mirror: Round = open_round(opened, 0.0)

    def hear(self, order: Order, outcome: Outcome) -> None:
        """Note an outcome that the broker sent."""
        self.heard[order.id] = outcome
        if isinstance(outcome, Answered) or outcome.kind != "late":
            self._mirror, _ = hear(self._mirror, order.id, order.agent, outcome)

    def give_up(self) -> None:
        """Close with what was heard, for want of a broker that closes it."""
        if not self.closed.done():
            self.closed.set_result(verdict(self._mirror))


@dataclass(slots=True)
class Pending:
    """An order whose outcome is awaited."""

    order: Order
    future: asyncio.Future[Outcome]
    holding: Holding | None
    sent: bool = False
    waiters: int = 0


def check_mission(mission: str, orders: tuple[Order, ...]) -> None:
    """Raise `BadInput` naming every order of another mission."""
    reasons = [
        f"Order {order.id!r} is of mission {order.mission!r}; this caller speaks for {mission!r}."
        for order in orders
        if order.mission != mission
    ]
    if reasons:
        raise BadInput(reasons)


def unfit(order: Order) -> Faulted | None:
    """Say why the bus cannot carry an order; None if it can."""
    try:
        # Stand-ins for the longest epoch and round name there can be.
        encode_checked(Submit(epoch="-" * 64, order=order, round="-" * 200))
    except BadInput as reason:
        return Faulted(kind="rejected", detail=str(reason), usage=None, billed=False)
    return None


def opening(
    mission: str,
    name: str,
    orders: tuple[str, ...],
    quorum: int,
    seconds: float,
    topic: str,
    head: str,
) -> OpenRound:
    """Make the message that opens a round, for an epoch to be filled in; checks its bounds."""
    opened = OpenRound(
        epoch="",
        mission=mission,
        round=name,
        orders=orders,
        quorum=quorum,
        seconds=float(seconds),  # an int would be encoded otherwise than the broker reads it
        topic=topic,
        head=head,
    )
    encode_checked(opened)
    return opened


def prove(closed: RoundClosed, holding: Holding) -> None:
    """Check that a transcript is a chain over the very round held and outcomes heard."""
    verify(closed.entries, holding.opened.head, closed.head)
    asked = digest(body_of(holding.opened))
    if not closed.entries or closed.entries[0].body != asked:
        raise TranscriptBroken(0, "it opens another round than the one that was asked for")
    for entry in closed.entries[1:]:
        outcome = holding.heard.get(entry.order)
        if outcome is None or digest(body_of(outcome)) != entry.body:
            raise TranscriptBroken(entry.index, f"order {entry.order!r} was answered otherwise")
