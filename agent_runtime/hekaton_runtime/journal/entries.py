"""What stands in a journal, and the mark that ties an entry to the effect it answers. Pure."""

import hashlib
from dataclasses import dataclass

import msgspec

from hekaton_runtime.effects import All, Effect
from hekaton_runtime.results import Result


class ChoseNext(msgspec.Struct, frozen=True, tag="Next"):
    """Which branch ended first: the one source of non-determinism besides results."""

    name: str


class StoppedBranch(msgspec.Struct, frozen=True, tag="Stop"):
    """A branch was interrupted; the results it had by then are the partial result."""

    name: str
    had: tuple[str, ...] = ()
    """Their paths, in order. What was still on its way into the journal came too late."""


class Halted(msgspec.Struct, frozen=True, tag="Halted"):
    """The whole mission was stopped, and why. A resumed mission goes on after it."""

    kind: str
    reason: str


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """One way in which a mission went wrong, and what in its course shows it."""

    code: str
    """As MAST numbers them: FM-1.3."""
    name: str
    text: str


class Labelled(msgspec.Struct, frozen=True, tag="Labelled"):
    """What an ended mission's course says of it."""

    labels: tuple[Label, ...]


Body = Result | ChoseNext | StoppedBranch | Halted | Labelled
NEXT = b"next"
STOP = b"stop"
HALT = b"halt"
LABELS = b"labels"


@dataclass(frozen=True, slots=True)
class Entry:
    """`path` names the place in the strategy: branch names and step numbers, as `/build-a/3`."""

    path: str
    fingerprint: bytes
    body: Body
    at: float = 0.0
    """Seconds since 1970; for people, never for decisions."""


def fingerprint(effect: Effect | All) -> bytes:
    """Eight bytes that any change of the effect changes."""
    return hashlib.blake2b(msgspec.msgpack.encode(effect), digest_size=8).digest()


def pack(body: Body) -> bytes:
    return msgspec.msgpack.encode(body)


def unpack(data: bytes) -> Body:
    """Raises `msgspec.ValidationError` where an older version wrote what this one cannot read."""
    body: Body = msgspec.msgpack.decode(data, type=Body)
    return body
