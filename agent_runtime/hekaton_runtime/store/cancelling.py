"""A lost connection raises where a task was cancelled: put the cancellation back, or it would be lost.

Whoever takes a lost connection for a reason to go on would never end.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


def cancellations() -> int:
    """How often the running task was cancelled so far."""
    task = asyncio.current_task()
    return task.cancelling() if task else 0


def stay_cancelled(before: int) -> None:
    """Giving back a connection that was just cut raises in place of a cancellation: put that back."""
    if cancellations() > before:
        raise asyncio.CancelledError from None


@contextmanager
def still_cancelled(lost: tuple[type[BaseException], ...]) -> Iterator[None]:
    """The same around a block, for the faults that a lost connection raises."""
    before = cancellations()
    try:
        yield
    except lost:
        stay_cancelled(before)
        raise
