"""Who is on the bus: which agents live, what each has in hand, who is least loaded. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple


class JobKey(NamedTuple):
    """An order within its mission."""

    mission: str
    order: str


@dataclass(slots=True)
class AgentSeat:
    """One registered instance of an agent and the orders delivered to it."""

    identity: bytes
    user: str
    session: str
    agent: str
    instance: str
    capacity: int
    heard: float
    turn: int = 0
    delivered: set[JobKey] = field(default_factory=set)

    @property
    def free(self) -> bool:
        """May it be given one more order."""
        return len(self.delivered) < self.capacity


@dataclass(slots=True)
class CallerSeat:
    """One registered conductor and its unanswered orders."""

    identity: bytes
    user: str
    session: str
    mission: str
    heard: float
    unanswered: set[JobKey] = field(default_factory=set)


class Roster:
    """Everybody who said hello and was heard of since."""

    def __init__(self) -> None:
        self._agents: dict[bytes, AgentSeat] = {}
        self._callers: dict[bytes, CallerSeat] = {}
        self._turns = 0

    def __len__(self) -> int:
        return len(self._agents) + len(self._callers)

    def join(self, seat: AgentSeat | CallerSeat) -> None:
        """Register a peer under its identity."""
        if isinstance(seat, AgentSeat):
            self._agents[seat.identity] = seat
        else:
            self._callers[seat.identity] = seat

    def find(self, identity: bytes) -> AgentSeat | CallerSeat | None:
        """Return who sits behind an identity."""
        return self._agents.get(identity) or self._callers.get(identity)

    def caller(self, identity: bytes) -> CallerSeat | None:
        """Return the caller behind an identity."""
        return self._callers.get(identity)

    def agent(self, identity: bytes) -> AgentSeat | None:
        """Return the agent behind an identity."""
        return self._agents.get(identity)

    def leave(self, identity: bytes) -> None:
        """Forget a peer."""
        self._agents.pop(identity, None)
        self._callers.pop(identity, None)

    def namesake(self, agent: str, instance: str) -> AgentSeat | None:
        """Return the seat that holds these names already."""
        return next((s for s in self._of(agent) if s.instance == instance), None)

    def choose(self, agent: str) -> AgentSeat | None:
        """Return the least loaded instance with room; among equals the one that waited longest."""
        free = [seat for seat in self._of(agent) if seat.free]
        return min(free, key=lambda s: (len(s.delivered) / s.capacity, s.turn), default=None)

    def deliver(self, seat: AgentSeat, key: JobKey) -> None:
        """Note that an order is in an agent's hands."""
        self._turns += 1
        seat.turn = self._turns
        seat.delivered.add(key)

    def silent(self, now: float, patience: float) -> tuple[bytes, ...]:
        """Name the identities not heard of for `patience` seconds."""
        seats: list[AgentSeat | CallerSeat] = [*self._agents.values(), *self._callers.values()]
        return tuple(seat.identity for seat in seats if now - seat.heard >= patience)

    def names(self) -> tuple[str, ...]:
        """Name the agents with a live instance, sorted."""
        return tuple(sorted({seat.agent for seat in self._agents.values()}))

    def _of(self, agent: str) -> Iterator[AgentSeat]:
        return (seat for seat in self._agents.values() if seat.agent == agent)
