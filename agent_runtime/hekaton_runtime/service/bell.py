"""One ear for everybody who follows missions: wakes those who wait for a mission when its row changes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from hekaton_runtime.store.postgres import Database

CHANNEL = "hekaton_mission"


class Bell:
    """Rings by mission."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Future[None]]] = {}

    @classmethod
    @asynccontextmanager
    async def hung(cls, database: Database) -> AsyncIterator["Bell"]:
        bell = cls()
        ear = asyncio.create_task(database.watch(CHANNEL, bell.ring))
        try:
            yield bell
        finally:
            ear.cancel()
            with suppress(asyncio.CancelledError):
                await ear

    def ring(self, mission: str) -> None:
        """Wake who waits for it; for an empty name everybody."""
        woken = self._waiting.keys() if not mission else (mission,)
        for name in woken:
            for future in self._waiting.get(name, ()):
                if not future.done():
                    future.set_result(None)

    async def rung(self, mission: str, seconds: float) -> None:
        """Until it rings, or so long: a ring may be lost with a dying connection."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(mission, set())
        waiting.add(future)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await future
        finally:
            waiting.discard(future)
            if not waiting:
                self._waiting.pop(mission, None)
