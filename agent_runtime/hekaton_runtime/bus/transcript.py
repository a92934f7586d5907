"""The hash chain of a debate: each entry binds all before it, so that no word can be changed later.

Pure. A chain by itself cannot show that its end was cut off or that it was wholly rebuilt; whoever
keeps the head (the journal does) passes it to `verify` as `head_after` and sees that as well.
"""

from hashlib import blake2b
from typing import Literal

import msgspec

from hekaton_runtime.errors import HekatonError
from hekaton_runtime.results import FailureKind

EntryKind = Literal["opened", "answered"] | FailureKind
GENESIS = "0" * 64
"""The head before the first round of a mission."""


class TranscriptBroken(HekatonError):
    """The chain does not hold at `index`: something was changed, removed, swapped or inserted."""

    def __init__(self, index: int, why: str) -> None:
        self.index = index
        self.why = why
        super().__init__(
            f"Transcript entry {index} is broken: {why}; trust no entry from there on."
        )


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One link. In the first one (kind "opened") `order` is the round and `agent` the topic."""

    index: int
    previous: str
    order: str
    agent: str
    kind: EntryKind
    body: str
    """BLAKE2b of the encoded outcome (of the encoded opening in the opening entry), hexadecimal."""
    hash: str


def digest(body: bytes) -> str:
    """Return the 256-bit BLAKE2b of some bytes, hexadecimal."""
    return blake2b(body, digest_size=32).hexdigest()


def link(index: int, previous: str, order: str, agent: str, kind: EntryKind, body: bytes) -> Entry:
    """Make the entry that follows the head `previous`."""
    sealed = digest(body)
    return Entry(
        index=index,
        previous=previous,
        order=order,
        agent=agent,
        kind=kind,
        body=sealed,
        hash=_seal(index, previous, order, agent, kind, sealed),
    )


def verify(entries: tuple[Entry, ...], head_before: str, head_after: str | None = None) -> None:
    """Check one round's entries after the head before it; `TranscriptBroken` at the first fault."""
    head = head_before
    for position, entry in enumerate(entries):
        if entry.index != position:
            raise TranscriptBroken(position, f"it says index {entry.index!r}")
        if entry.previous != head:
            raise TranscriptBroken(position, f"it follows {entry.previous!r}, expected {head!r}")
        head = _seal(entry.index, entry.previous, entry.order, entry.agent, entry.kind, entry.body)
        if entry.hash != head:
            raise TranscriptBroken(position, f"its hash is {entry.hash!r}, computed {head!r}")
    if head_after is not None and head != head_after:
        raise TranscriptBroken(len(entries), f"the chain ends at {head!r}, not {head_after!r}")


def _seal(index: int, previous: str, order: str, agent: str, kind: EntryKind, body: str) -> str:
    # msgpack prefixes each field with its length, so no two tuples share an encoding.
    return digest(msgspec.msgpack.encode((index, previous, order, agent, kind, body)))
