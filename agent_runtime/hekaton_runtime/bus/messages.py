"""What travels on the bus: closed, tagged unions in a versioned envelope.

A message is one frame: the version byte, then msgpack. Decoding checks types and bounds and never
runs code of the sender; everything that is wrong with a frame comes out as `Malformed`.
"""

from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta

from hekaton_runtime.answers import AnswerName
from hekaton_runtime.brief import Brief
from hekaton_runtime.bus.transcript import Entry
from hekaton_runtime.errors import BadInput
from hekaton_runtime.results import FailureKind, Usage

VERSION = 1
"""First byte of every frame; another version is dropped, never guessed at."""
PROTOCOL = 1
"""What `Hello` announces: the rules both sides follow within one envelope version."""
MAX_BYTES = 8 * 1024 * 1024
"""Largest frame, bytes."""

Name = Annotated[str, Meta(min_length=1, max_length=200)]
Seconds = Annotated[float, Meta(gt=0, le=7 * 86_400)]
Count = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Text = Annotated[str, Meta(max_length=4000)]


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One question to one agent. The same `id` (within a mission) is never worked on twice."""

    id: Name
    mission: Name
    agent: Name
    """The name of an entry of the formation's `roles`; several instances may serve it."""
    brief: Brief
    answer: AnswerName
    max_tokens: Annotated[int, Meta(ge=1, le=2**31 - 1)]
    seed: int
    seconds: Seconds
    """From the arrival at the broker; then the order is cancelled."""
    permit: Annotated[str, Meta(max_length=4096)] = ""
    """What the router lets this one call pass for; empty where there is no router."""


class Answered(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """The model's text, with what it cost. `instance` is set by the broker."""

    text: str
    usage: Usage
    model: str
    seconds: Annotated[float, Meta(ge=0, le=7 * 86_400)]
    instance: str

    def __post_init__(self) -> None:
        _check_usage(self.usage)


class Faulted(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """No text. Known usage is charged; else nothing if not `billed`, else the whole reservation."""

    kind: FailureKind
    detail: str
    usage: Usage | None
    billed: bool

    def __post_init__(self) -> None:
        if self.usage is not None:
            _check_usage(self.usage)


Outcome = Answered | Faulted


class AgentHello(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """An agent instance asks to be given orders."""

    protocol: int
    agent: Name
    instance: Name
    capacity: Annotated[int, Meta(ge=1, le=1024)]


class CallerHello(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """A conductor asks to place orders for its mission."""

    protocol: int
    mission: Name


class Beat(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """I am alive. From a broker with its epoch, which changes at every start."""

    epoch: str = ""


class Bye(msgspec.Struct, frozen=True, tag=True):
    """I leave on purpose; the broker answers with the same, so nothing before it is cut off."""


class Submit(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Have this order answered. Meant for one epoch: a broker that restarted ignores it."""

    epoch: str
    order: Order
    round: str = ""


class OpenRound(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Open a debate round over orders that are submitted next."""

    epoch: str
    mission: Name
    round: Name
    orders: Annotated[tuple[Name, ...], Meta(max_length=256)]
    quorum: Count
    seconds: Seconds
    topic: Text
    head: Annotated[str, Meta(max_length=200)]


class Cancel(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Stop working on an order (caller to broker, broker to agent)."""

    mission: Name
    order: Name
    reason: Text


class Halt(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Stop everything for a mission (caller to broker, and on the control channel)."""

    mission: Name
    reason: Text


class Report(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """An agent's outcome, within the registration under which the order was delivered."""

    session: str
    mission: Name
    order: Name
    outcome: Outcome


class Welcome(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Registered. A new `session` means that whatever was delivered before is written off."""

    epoch: str
    session: str
    control: str
    heartbeat: Seconds
    patience: Seconds


class Denied(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Not registered, and trying again is no use."""

    reason: str


class Stranger(msgspec.Struct, frozen=True, tag=True):
    """The broker does not know the sender (any more): say hello."""


class Deliver(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """An order for the agent."""

    order: Order


class Reply(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """The outcome of a caller's order."""

    order: Name
    outcome: Outcome


class RoundClosed(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """A closed round: who was missing, the transcript of those who were heard, and its head."""

    round: str
    missing: tuple[str, ...]
    entries: tuple[Entry, ...]
    head: str
    quorate: bool
    """At least `quorum` orders were answered (a fault is no answer) before the close."""


ToBroker = AgentHello | CallerHello | Beat | Bye | Submit | OpenRound | Cancel | Halt | Report
FromBroker = Welcome | Denied | Stranger | Beat | Bye | Deliver | Cancel | Reply | RoundClosed

Flaw = Literal["version", "oversized", "malformed"]
M = TypeVar("M")
_PREFIX = bytes([VERSION])
_ENCODER = msgspec.msgpack.Encoder()
_TO_BROKER: msgspec.msgpack.Decoder[ToBroker] = msgspec.msgpack.Decoder(ToBroker)
_FROM_BROKER: msgspec.msgpack.Decoder[FromBroker] = msgspec.msgpack.Decoder(FromBroker)
_CONTROL: msgspec.msgpack.Decoder[Halt] = msgspec.msgpack.Decoder(Halt)


class Malformed(ValueError):
    """A frame that is not a message of this version; `flaw` says which way."""

    def __init__(self, flaw: Flaw, why: str) -> None:
        self.flaw: Flaw = flaw
        super().__init__(f"Not a message of the bus ({flaw}): {why}.")


def encode(message: ToBroker | FromBroker) -> bytes:
    """Make the frame of a message; raises `BadInput` above `MAX_BYTES`."""
    kind = type(message).__name__
    try:
        frame = _PREFIX + _ENCODER.encode(message)
    except (UnicodeEncodeError, OverflowError) as fault:
        raise BadInput([f"A {kind} message cannot be encoded: {fault}."]) from fault
    if len(frame) > MAX_BYTES:
        raise BadInput(
            [
                f"A {kind} message has {len(frame)} bytes; the bus carries up to {MAX_BYTES}: "
                "shorten the brief or the answer."
            ]
        )
    return frame


def encode_checked(message: ToBroker) -> bytes:
    """Make the frame and read it as the broker will; `BadInput` for what it would drop unheard."""
    frame = encode(message)
    try:
        decode_to_broker(frame)
    except Malformed as fault:
        raise BadInput(
            [f"The broker would refuse this {type(message).__name__}: {fault}"]
        ) from fault
    return frame


def body_of(content: Outcome | OpenRound) -> bytes:
    """Return the bytes of what a transcript entry binds: the same value gives the same bytes."""
    return _ENCODER.encode(content)


def decode_to_broker(frame: bytes) -> ToBroker:
    """Read what a peer sent; raises `Malformed`."""
    return _decode(frame, _TO_BROKER)


def decode_from_broker(frame: bytes) -> FromBroker:
    """Read what the broker sent; raises `Malformed`."""
    return _decode(frame, _FROM_BROKER)


def decode_control(frame: bytes) -> Halt:
    """Read what came on the control channel; raises `Malformed`."""
    return _decode(frame, _CONTROL)


def _decode(frame: bytes, decoder: msgspec.msgpack.Decoder[M]) -> M:
    if len(frame) > MAX_BYTES:
        raise Malformed("oversized", f"{len(frame)} bytes, the limit is {MAX_BYTES}")
    if frame[:1] != _PREFIX:
        raise Malformed("version", f"it begins with {frame[:1]!r}, expected {_PREFIX!r}")
    try:
        return decoder.decode(memoryview(frame)[1:])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as fault:
        raise Malformed("malformed", str(fault)) from fault


def _check_usage(usage: Usage) -> None:
    # A negative count would hand budget back, so it is refused where it enters.
    if usage.prompt_tokens < 0 or usage.completion_tokens < 0:
        raise ValueError(f"usage has a negative count: {usage!r}")
