"""Whether this process makes progress, for its liveness and readiness probes."""

import asyncio
from collections.abc import Callable

from hekaton_operator.lead import Leader
from hekaton_operator.workqueue import WorkQueue

TICK = 1.0
LOOP_STUCK = 30.0
"""Seconds without a turn of the event loop."""
KEY_STUCK = 120.0
"""Seconds that one key waits or is worked on: twice the longest chain of requests."""
LEASE_STUCK = 120.0
"""Seconds without an answer about the Lease, after which a replica that waits is of no use."""


class Vital:
    """`clock` counts seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._turned = self._started = clock()
        self._queue: WorkQueue | None = None
        self._leader: Leader | None = None

    def watch(self, leader: Leader) -> None:
        self._leader = leader

    def leading(self, queue: WorkQueue) -> None:
        """From now on the queue counts too."""
        self._queue = queue
        self._turned = self._clock()

    async def tick(self) -> None:
        while True:
            self._turned = self._clock()
            await asyncio.sleep(TICK)

    def alive(self) -> tuple[str, ...]:
        now, wrong = self._clock(), []
        if self._queue is not None and now - self._turned > LOOP_STUCK:
            wrong.append(f"The event loop has not turned for {now - self._turned:.0f} s.")
        if self._queue is not None and self._queue.oldest() > KEY_STUCK:
            wrong.append(f"A key has waited for {self._queue.oldest():.0f} s.")
        return tuple(wrong)

    def ready(self) -> tuple[str, ...]:
        """A replica that waits for the Lease is ready too: it can take over."""
        wrong = list(self.alive())
        leader = self._leader
        if leader is not None and not leader.leads:
            last = leader.tried or self._started
            if not leader.tried or self._clock() - last > LEASE_STUCK:
                wrong.append("The API server has not answered about the Lease.")
        return tuple(wrong)
