"""What was wrong with what peers sent: counted by cause, told once per peer and minute. Pure."""

from collections import Counter, OrderedDict
from typing import Literal, get_args

from hekaton_runtime.bus.messages import Flaw

Cause = Flaw | Literal["lie", "flood", "conflict", "stale", "denied"]
CAUSES: tuple[Cause, ...] = tuple(cause for part in get_args(Cause) for cause in get_args(part))
_PEERS = 1024  # remembered (peer, cause) pairs; a flood of new peers must not fill memory


class Complaints:
    """Counts every complaint and says which of them is worth a line in the log."""

    def __init__(self, quiet: float = 60.0) -> None:
        self._quiet = quiet
        self._counts: Counter[Cause] = Counter()
        self._told: OrderedDict[tuple[str, Cause], float] = OrderedDict()

    def note(self, peer: str, cause: Cause, now: float) -> bool:
        """Count one; True when this peer was not told on for this cause for a minute."""
        self._counts[cause] += 1
        last = self._told.get((peer, cause))
        if last is not None and now - last < self._quiet:
            return False
        self._told[peer, cause] = now
        self._told.move_to_end((peer, cause))
        if len(self._told) > _PEERS:
            self._told.popitem(last=False)
        return True

    def count(self, cause: Cause) -> int:
        """Return how often a cause came up."""
        return self._counts[cause]
