"""Works the queue: the oldest missions first, so many at once, each to its end or to the service's.

What a crash left running is found in the queue like what has not begun. The mission's lease decides
who works it; a mission is never worked twice at once, and its journal repeats no finished call.
"""

import asyncio
import logging
import time
from contextlib import AbstractAsyncContextManager, suppress
from typing import Protocol

from hekaton_runtime.conductor.conduct import Halt
from hekaton_runtime.conductor.lease import Busy, owned
from hekaton_runtime.conductor.records import Record, find_exactly
from hekaton_runtime.conductor.work import Finished, Office, work
from hekaton_runtime.errors import BadInput, Fenced, HekatonError, Unavailable
from hekaton_runtime.service import rows
from hekaton_runtime.service.figures import Figures
from hekaton_runtime.store.postgres import Database

log = logging.getLogger(__name__)

LOOK = 2.0
"""Seconds between two looks into the queue while nobody wakes us."""
NAP = 20.0
"""Seconds of patience with what is away."""
TRIES = 3
"""Times that a mission may fail by a fault of ours before it is given up."""
STOPPING = Halt("interrupted", "the service stops; it goes on with this mission when it is back")


class Staffing(Protocol):
    """Where the agents of a mission are."""

    def office(self, record: Record) -> AbstractAsyncContextManager[Office]:
        """Agents that are there within the block. Raises `BadInput`, `Unavailable`."""


class Floor:
    """The missions that this process works on."""

    def __init__(
        self,
        database: Database,
        staffing: Staffing,
        figures: Figures,
        parallel: int,
        nap: float = NAP,
    ) -> None:
        """`parallel`: missions at once. `nap`: seconds until one that could not go on is tried again."""
        self._database = database
        self._staffing = staffing
        self._figures = figures
        self._parallel = parallel
        self._nap = nap
        self._running: dict[str, asyncio.Task[None]] = {}
        self._later: dict[str, float] = {}
        self._failures: dict[str, int] = {}
        self._woken = asyncio.Event()
        self._away = ""

    def wake(self) -> None:
        """There may be something to do."""
        self._woken.set()

    async def why_not(self) -> tuple[str, ...]:
        """Why nothing can be worked now."""
        return (self._away,) if self._away else ()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; then every mission is interrupted in a way that a later start goes on with."""
        interrupt: asyncio.Future[Halt] = asyncio.get_running_loop().create_future()
        stopping = asyncio.create_task(stop.wait())
        stopping.add_done_callback(lambda _: self.wake())
        try:
            while not stop.is_set():
                self._woken.clear()
                await self._look(interrupt)
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK):
                        await self._woken.wait()
        finally:
            stopping.cancel()
            interrupt.set_result(STOPPING)
            await asyncio.gather(*self._running.values())

    async def _look(self, interrupt: "asyncio.Future[Halt]") -> None:
        """Begin as many missions as there is room for."""
        try:
            self._figures.waiting = await rows.waiting(self._database)
            if room := self._parallel - len(self._running):
                for one in await rows.candidates(self._database, self._busy(), room):
                    if await rows.claim(self._database, one):
                        self._begin(one.id, interrupt)
            self._away = ""
        except Unavailable as fault:
            self._away = str(fault)
        self._figures.running = len(self._running)

    def _busy(self) -> list[str]:
        now = time.monotonic()
        self._later = {name: at for name, at in self._later.items() if at > now}
        return [*self._running, *self._later]

    def _begin(self, mission: str, interrupt: "asyncio.Future[Halt]") -> None:
        task = asyncio.create_task(self._one(mission, interrupt))
        self._running[mission] = task
        task.add_done_callback(lambda _: self._left(mission))

    def _left(self, mission: str) -> None:
        self._running.pop(mission, None)
        self.wake()

    async def _one(self, mission: str, interrupt: "asyncio.Future[Halt]") -> None:
        """Supervise one mission: whatever happens to it, the others go on."""
        try:
            record = await find_exactly(self._database, mission)
            if record is None:  # deleted meanwhile
                return
            async with self._staffing.office(record) as office:
                finished = await work(record, office, self._figures.heard, interrupt)
            self._ended(record, finished)
        except (Busy, Fenced, Unavailable) as fault:
            self._put_off(mission, str(fault))
        except BadInput as fault:
            await self._give_up(mission, str(fault))
        except Exception as fault:
            log.exception("mission %s failed by a fault of the service", mission)
            self._failures[mission] = self._failures.get(mission, 0) + 1
            if self._failures[mission] < TRIES:
                self._put_off(mission, repr(fault))
            else:
                await self._give_up(mission, f"a fault of the service, {TRIES} times: {fault!r}")

    def _ended(self, record: Record, finished: Finished) -> None:
        if finished.ending.resumable:
            self._put_off(record.id, finished.ending.reason)
            return
        self._failures.pop(record.id, None)
        report = finished.report
        self._figures.ended(finished.ending.state, report.ended - report.started)

    def _put_off(self, mission: str, why: str) -> None:
        log.warning("mission %s waits %g s: %s", mission, self._nap, why)
        self._later[mission] = time.monotonic() + self._nap

    async def _give_up(self, mission: str, reason: str) -> None:
        """It can never be worked: it ends here, with the reason."""
        try:
            async with owned(self._database, mission, 15.0, patience=0.0) as token:
                await self._database.value(
                    "select hekaton.conclude($1, $2, 'failed', '', $3, null, simulated, null)"
                    " from hekaton.mission where id = $1",
                    mission, token, reason,
                )  # fmt: skip
            self._figures.ended("failed", 0.0)
        except HekatonError as fault:
            self._put_off(mission, str(fault))
