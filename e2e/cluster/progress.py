"""Lines that tell a person what is going on, on the error stream; and the failure that ends it."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Failure(Exception):
    """What cannot be done, with the remedy; the command ends with this text and status 1."""


def say(text: str) -> None:
    """Print one line at once."""
    print(f"cluster: {text}", file=sys.stderr, flush=True)


@contextmanager
def step(text: str) -> Iterator[None]:
    """Say what begins, and how long it took."""
    say(f"{text} ...")
    begun = time.monotonic()
    yield
    say(f"{text}: {time.monotonic() - begun:.1f} s")
