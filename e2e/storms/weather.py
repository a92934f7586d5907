"""What an API server says to an operator on a bad day, and to which of its requests. Pure, and seeded.

A storm blows on a share of the writes, on each object only so often: whoever tries again gets through.
"""

import json
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, TypeAlias

LOST: Final = "lost"
"""The server carries the write out, and its answer never arrives."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An error as an API server words it."""

    code: int
    reason: str
    message: str
    after: int = 0
    """Seconds of Retry-After; 0 without."""

    @property
    def status(self) -> dict[str, object]:
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "code": self.code,
            "reason": self.reason,
            "message": self.message,
        }

    @property
    def event(self) -> bytes:
        """The same inside a watch that began well."""
        return json.dumps({"type": "ERROR", "object": self.status}).encode() + b"\n"


CONFLICT = Answer(409, "Conflict", "the object has been modified; please apply your changes again")
THROTTLED = Answer(429, "TooManyRequests", "too many requests, please try again later", after=1)
BROKEN = Answer(500, "InternalError", "Internal error occurred: etcdserver: leader changed")
STARTING = Answer(503, "ServiceUnavailable", "apiserver not ready")
EXPIRED = Answer(410, "Expired", "too old resource version: 1 (2)")
Fate: TypeAlias = Answer | Literal["lost"]


class Target(NamedTuple):
    """What one request is about: tries of the same are told by it."""

    method: str
    path: str
    name: str
    """Of the object in the body of a POST, whose path does not say it."""


class Asked(NamedTuple):
    """One request."""

    at: float
    target: Target
    watch: bool
    fate: Fate | None


@dataclass
class Storm:
    """Blows on writes until it is over; `fates` come by chance, `most` on one target."""

    fates: tuple[Fate, ...]
    share: float = 0.5
    most: int = 2
    dice: random.Random = field(default_factory=lambda: random.Random(6))
    hits: Counter[Target] = field(default_factory=Counter)

    def strike(self, target: Target) -> Fate | None:
        """The fate of a write; None when it passes."""
        if self.hits[target] >= self.most or self.dice.random() >= self.share:
            return None
        self.hits[target] += 1
        return self.dice.choice(self.fates)


@dataclass
class Fog:
    """Lies on watches: each that begins has this fate, and as many as are left of them."""

    answer: Answer
    inside: bool
    """Whether it begins well and ends with an ERROR event."""
    left: int


def hurried(asked: list[Asked]) -> list[tuple[Target, float]]:
    """Targets that were asked again before their Retry-After was over, with the seconds between."""
    found, last = [], dict[Target, Asked]()
    for each in asked:
        before = last.get(each.target)
        asks = before.fate.after if before and isinstance(before.fate, Answer) else 0
        if before and each.at - before.at < asks - 0.01:
            found.append((each.target, each.at - before.at))
        last[each.target] = each
    return found
