"""Keys that wait for a reconcile: each at most once, each worked on by one worker at a time.

A key that is added while it is worked on comes again afterwards. What people changed goes before what
is only looked at again. A key whose reconcile failed comes back later and later.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass

from hekaton_operator.objects import Key

SOON, SOMETIME = 0, 1
"""Lanes: changes, and looking again."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between tries."""

    first: float = 0.05
    longest: float = 30.0


@dataclass(frozen=True, slots=True)
class Timer:
    handle: asyncio.TimerHandle
    at: float


class WorkQueue:
    """`clock` counts seconds; a queue belongs to one event loop."""

    def __init__(
        self, clock: Callable[[], float], pace: Pace = Pace(), dice: random.Random | None = None
    ) -> None:
        self._clock, self._pace, self._dice = clock, pace, dice or random.Random()
        self._ready: asyncio.PriorityQueue[tuple[int, int, Key]] = asyncio.PriorityQueue()
        self._dirty: dict[Key, tuple[int, float]] = {}
        self._busy: dict[Key, float] = {}
        self._fails: dict[Key, int] = {}
        self._timers: dict[Key, Timer] = {}
        self._held: dict[Key, float] = {}
        self._count = 0
        self.adds = 0
        self.retries = 0

    def add(self, key: Key, lane: int = SOON) -> None:
        """Have a key worked on; nothing is added twice, but a higher lane counts."""
        self.adds += 1
        if (rest := self._held.get(key, 0.0) - self._clock()) > 0:
            return self.later(key, rest)
        waiting = self._dirty.get(key)
        if waiting is not None and waiting[0] <= lane:
            return
        self._dirty[key] = (lane, waiting[1] if waiting else self._clock())
        if key not in self._busy:
            self._push(key, lane)

    def later(self, key: Key, seconds: float) -> None:
        """Add a key after a while; of several times for one key the earliest counts."""
        at = self._clock() + seconds
        timer = self._timers.get(key)
        if timer is not None:
            if timer.at <= at:
                return
            timer.handle.cancel()
        handle = asyncio.get_running_loop().call_later(seconds, self._due, key)
        self._timers[key] = Timer(handle, at)

    async def take(self) -> tuple[Key, float]:
        """The next key, and the seconds it has waited. `done` or `failed` must follow."""
        while True:
            lane, _, key = await self._ready.get()
            waiting = self._dirty.get(key)
            if waiting is None or waiting[0] != lane or key in self._busy:
                continue  # it went in a higher lane before
            del self._dirty[key]
            self._busy[key] = self._clock()
            return key, self._clock() - waiting[1]

    def done(self, key: Key) -> None:
        self._fails.pop(key, None)
        self._held.pop(key, None)
        self._free(key)

    def failed(self, key: Key, at_least: float = 0.0, hold: float = 0.0) -> float:
        """Try again later; the seconds until then. For `hold` seconds no change hurries it."""
        count = self._fails[key] = self._fails.get(key, -1) + 1
        grown = max(at_least, self._pace.first) * float(2 ** min(count, 20))
        wait = max(hold, min(self._pace.longest, grown) * self._dice.uniform(0.5, 1.5))
        self.retries += 1
        if hold:
            self._held[key] = self._clock() + hold
            self._dirty.pop(key, None)  # it comes again anyway
        self._free(key)
        self.later(key, wait)
        return wait

    def forget(self, key: Key) -> None:
        """Drop the timer of a key that has nothing to wait for."""
        timer = self._timers.pop(key, None)
        if timer:
            timer.handle.cancel()

    def close(self) -> None:
        for timer in self._timers.values():
            timer.handle.cancel()
        self._timers.clear()

    @property
    def depth(self) -> int:
        """Keys that wait."""
        return len(self._dirty)

    def oldest(self) -> float:
        """Seconds that the oldest key has waited or been worked on; 0 where there is none."""
        since = [at for _, at in self._dirty.values()] + list(self._busy.values())
        return self._clock() - min(since) if since else 0.0

    def _due(self, key: Key) -> None:
        self._timers.pop(key, None)
        self.add(key, SOMETIME)

    def _free(self, key: Key) -> None:
        del self._busy[key]
        if key in self._dirty:
            self._push(key, self._dirty[key][0])

    def _push(self, key: Key, lane: int) -> None:
        self._count += 1
        self._ready.put_nowait((lane, self._count, key))
