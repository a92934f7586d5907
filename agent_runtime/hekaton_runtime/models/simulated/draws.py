"""Chance without a generator: every draw is a pure function of what it is about.

So the same request gets the same answer in any order and after a restart, while models, samples
and prompts stay independent of each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import msgspec

from hekaton_runtime.models.protocol import Message


@dataclass(frozen=True, slots=True)
class Draw:
    """One request's source of chance."""

    seed: int
    """Of the server."""
    model: str
    entry: str
    """Key of the matching entry of the answer book; empty if there is none."""
    sample: int | None
    """The request's own `seed`."""
    prompt: str
    """From `prompt_hash`."""

    def uniform(self, purpose: str) -> float:
        """Draw from [0, 1); draws for different purposes are independent."""
        return uniform(purpose, self.seed, self.model, self.entry, self.sample, self.prompt)

    def pick(self, purpose: str, count: int) -> int:
        """Draw a whole number below `count`."""
        return int(self.uniform(purpose) * count)

    def is_right(self, competence: float) -> bool:
        """Draw whether a model of this competence (0 to 1) does the work rightly."""
        return self.uniform("right") < competence


def uniform(*parts: str | int | None) -> float:
    """Map values to a number in [0, 1) with 53 random-looking bits."""
    digest = sha256(msgspec.json.encode(parts)).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53


def prompt_hash(messages: Sequence[Message]) -> str:
    """Identify a prompt by its roles and contents."""
    return sha256(msgspec.json.encode(messages)).hexdigest()
