"""What happens in a mission, for whoever looks on: the live view, plain lines, the `--json` stream."""

from collections.abc import Callable

import msgspec


class Progress(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """A phase began, or moved on. Negative numbers: unchanged."""

    phase: str
    text: str
    round: int = -1
    wave: int = -1
    tasks_done: int = -1
    tasks_total: int = -1


class Asking(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    agent: str
    step: str
    tokens: int
    """Reserved."""


class Replied(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    agent: str
    step: str
    fault: str
    """Empty for a usable answer."""
    tokens: int
    micros: int
    model: str
    seconds: float


class Executed(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Commands ran on a branch."""

    branch: str
    command: str
    passed: bool
    seconds: float


class Joined(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """A merge happened, or did not (`why`)."""

    source: str
    into: str
    why: str


class Waiting(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Something is away; the mission goes on when it is back."""

    why: str


class Ended(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    mission: str
    outcome: str
    reason: str


Event = Progress | Asking | Replied | Executed | Joined | Waiting | Ended
Watch = Callable[[Event], None]
