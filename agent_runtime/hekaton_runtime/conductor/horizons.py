"""In a replay a branch waits at the end of its part of the journal until all above it are at theirs.

Else a branch that its strategy had given up on would go on, and perform something, before the replay
comes to the place where it was given up.
"""

import asyncio


class Horizons:
    """One engine's; a body is named by its path."""

    def __init__(self) -> None:
        self._reached: dict[str, asyncio.Event] = {}

    def reach(self, body: str) -> None:
        """This body has nothing in the journal any more."""
        self._of(body).set()

    async def clear(self, path: str) -> None:
        """Wait until every body above that of this step has come so far."""
        above = path.rpartition("/")[0]
        while above:
            above = above.rpartition("/")[0]
            await self._of(above).wait()

    def _of(self, body: str) -> asyncio.Event:
        return self._reached.setdefault(body, asyncio.Event())
