"""Wait for what a cluster or a process does in its own time."""

import time
from collections.abc import Callable


def until(wrong: Callable[[], str], seconds: float = 90, pause: float = 0.3) -> float:
    """Until `wrong` says nothing any more; the seconds it took. What it said last is the failure."""
    began = time.monotonic()
    while said := wrong():
        assert time.monotonic() - began < seconds, f"after {seconds:g} s: {said}"
        time.sleep(pause)
    return time.monotonic() - began
