"""The orders a broker has in hand: waiting in bounded queues, or finished and remembered. Pure."""

from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from hekaton_runtime.bus.messages import Answered, Faulted, Order, Outcome, RoundClosed
from hekaton_runtime.bus.roster import JobKey

_V = TypeVar("_V", bound=Outcome | RoundClosed)
_ENTRY_BYTES = 512  # what an outcome weighs beside its text, roughly


class RoundKey(NamedTuple):
    """A debate round within its mission."""

    mission: str
    round: str


@dataclass(slots=True)
class Job:
    """An unanswered order: who asked last, which round it belongs to, whose hands it is in."""

    key: JobKey
    order: Order
    caller: bytes
    round: RoundKey | None
    deadline: float
    agent: bytes | None = None
    """The identity it was delivered to; None while it waits."""
    cancelled: str = ""
    """Why it was cancelled; empty as long as it is wanted."""


class Queues:
    """First in, first out per agent name, each bounded."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting: dict[str, deque[JobKey]] = {}

    def push(self, agent: str, key: JobKey) -> bool:
        """Append an order; False when the agent's queue is full."""
        line = self._waiting.setdefault(agent, deque())
        if len(line) >= self._limit:
            return False
        line.append(key)
        return True

    def put_back(self, agent: str, key: JobKey) -> None:
        """Put an order that could not be delivered first again."""
        self._waiting.setdefault(agent, deque()).appendleft(key)

    def pop(self, agent: str) -> JobKey | None:
        """Take the order that waited longest."""
        line = self._waiting.get(agent)
        if not line:
            return None
        key = line.popleft()
        self._tidy(agent)
        return key

    def remove(self, agent: str, key: JobKey) -> None:
        """Take an order out of the middle."""
        self._waiting[agent].remove(key)
        self._tidy(agent)

    def _tidy(self, agent: str) -> None:
        if not self._waiting[agent]:
            del self._waiting[agent]


class Memory(Generic[_V]):
    """The newest finished things, bounded in number and in bytes; the oldest go first."""

    def __init__(self, limit: int, limit_bytes: int) -> None:
        self._limit = limit
        self._limit_bytes = limit_bytes
        self._bytes = 0
        self._kept: OrderedDict[tuple[str, str], _V] = OrderedDict()

    def keep(self, key: JobKey | RoundKey, value: _V) -> None:
        """Remember a value under its key."""
        if key in self._kept:
            self._bytes -= _weight(self._kept.pop(key))
        self._kept[key] = value
        self._bytes += _weight(value)
        while len(self._kept) > self._limit or self._bytes > self._limit_bytes:
            _, dropped = self._kept.popitem(last=False)
            self._bytes -= _weight(dropped)

    def find(self, key: JobKey | RoundKey) -> _V | None:
        """Return what is remembered."""
        return self._kept.get(key)


def _weight(value: Outcome | RoundClosed) -> int:
    match value:
        case Answered():
            return len(value.text) + _ENTRY_BYTES
        case Faulted():
            return len(value.detail) + _ENTRY_BYTES
        case RoundClosed():
            return _ENTRY_BYTES * (1 + len(value.entries))
