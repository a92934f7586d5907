"""What the broker's pure core wants done; the broker does it, in order."""

from dataclasses import dataclass

from hekaton_runtime.bus.complaints import Cause
from hekaton_runtime.bus.messages import FromBroker, Halt


@dataclass(frozen=True, slots=True)
class Send:
    """Send a message to a peer."""

    to: bytes
    message: FromBroker


@dataclass(frozen=True, slots=True)
class Publish:
    """Say something on the control channel."""

    message: Halt


@dataclass(frozen=True, slots=True)
class Complain:
    """Count, and perhaps log, what was wrong with a peer's message."""

    peer: bytes
    cause: Cause
    why: str


Action = Send | Publish | Complain
