"""Conduct one mission: own it, replay what is known, go on, and stop cleanly for whatever reason."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from hekaton_runtime.bus.caller import Caller
from hekaton_runtime.conductor.engine import Engine
from hekaton_runtime.conductor.events import Ended, Watch
from hekaton_runtime.conductor.lease import keep
from hekaton_runtime.errors import Overbilled, ReplayDiverged, Unavailable
from hekaton_runtime.journal.entries import LABELS, Entry, Halted, Label, Labelled
from hekaton_runtime.journal.postgres import Journal
from hekaton_runtime.room import told
from hekaton_runtime.store.postgres import Database
from hekaton_runtime.strategies.modes import concluded
from hekaton_runtime.strategies.values import Assignment, Conclusion

StopKind = Literal["", "killed", "interrupted", "time", "unavailable", "budget", "diverged"]
State = Literal["passed", "failed", "stopped"]
RESUMABLE: tuple[StopKind, ...] = ("interrupted", "unavailable")
"""Kinds of a stop after which a mission goes on as it is."""
LOOK = 5.0  # seconds between two looks for a halt, or for other keys, that nobody was told of
REKEYED = "The keys of the bus were renewed while the broker was away: a new conductor reads them and goes on."


@dataclass(frozen=True, slots=True)
class Halt:
    """Why the mission must stop now."""

    kind: StopKind
    reason: str


@dataclass(frozen=True, slots=True)
class Ending:
    """How one conductor's work on a mission ended. `kind` is empty unless it was stopped."""

    state: State
    kind: StopKind
    reason: str
    conclusion: Conclusion

    @property
    def resumable(self) -> bool:
        return self.kind in RESUMABLE


@dataclass(frozen=True, slots=True)
class Job:
    """What to conduct."""

    mode: str
    assignment: Assignment
    wall_clock: float
    """Seconds from the mission's first start."""


class Conductor:
    """One owner's work on one mission."""

    def __init__(
        self, database: Database, journal: Journal, caller: Caller, engine: Engine,
        watch: Watch, lease: float, labels: Callable[[Ending], tuple[Label, ...]],
        rekeyed: Callable[[], bool] = lambda: False,
        beside: Callable[[], str] = lambda: "",
    ) -> None:  # fmt: skip
        """`labels`: what the course says of the mission, given its ending. `rekeyed`: whether the
        keys that the caller was given are not those of the bus any more. `beside`: what the course
        says of a failure, beside the strategy's own reason."""
        self._database = database
        self._journal = journal
        self._caller = caller
        self._engine = engine
        self._watch = watch
        self._lease = lease
        self._labels = labels
        self._rekeyed = rekeyed
        self._beside = beside

    async def conduct(self, job: Job, interrupt: "asyncio.Future[Halt]") -> Ending:
        """Until the strategy concludes or something halts it. Raises `Fenced` and `ReplayDiverged`."""
        mission, token = self._journal.mission, self._journal.token
        strategy = asyncio.create_task(self._engine.run(concluded(job.mode, job.assignment)))
        keeper = asyncio.create_task(keep(self._database, mission, token, self._lease))
        halts = [
            asyncio.create_task(self._until_asked()),
            asyncio.create_task(self._until(job.wall_clock)),
            asyncio.create_task(self._until_rekeyed()),
        ]
        tasks: list[asyncio.Future[Any]] = [strategy, keeper, *halts, interrupt]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if keeper.done():
                keeper.result()  # raises Fenced
            halt = next((task.result() for task in (interrupt, *halts) if task.done()), None)
            ending = await self._halted(halt, strategy) if halt else await self._ended(strategy)
        finally:
            await _end(strategy, keeper, *halts)
        self._watch(Ended(mission=mission, outcome=ending.state, reason=ending.reason))
        return ending

    async def _ended(self, strategy: "asyncio.Task[Conclusion]") -> Ending:
        try:
            conclusion = strategy.result()
        except Unavailable as away:
            return await self._halted(Halt("unavailable", str(away)), strategy)
        except (
            OSError
        ) as fault:  # no room for the workspace: the machine's trouble, not the mission's
            why = told(fault, "HEKATON_HOME or TMPDIR")
            return await self._halted(Halt("unavailable", why), strategy)
        except Overbilled as fault:
            return await self._halted(Halt("budget", str(fault)), strategy)
        except ReplayDiverged as fault:
            return await self._halted(Halt("diverged", str(fault)), strategy)
        kind: StopKind = "budget" if conclusion.outcome == "stopped" else ""
        beside = self._beside() if conclusion.outcome == "failed" else ""
        reason = "; ".join(filter(None, (conclusion.reason, beside)))
        ending = Ending(conclusion.outcome, kind, reason, conclusion)
        for entry in self._labelled(ending):
            await self._journal.append(entry.path, entry.fingerprint, entry.body)
        return ending

    async def _halted(self, halt: Halt, strategy: "asyncio.Task[Conclusion]") -> Ending:
        """The kill switch: cancel everything, tell the broker, and close the books in one commit.

        Nothing of the mission moves in journal or ledger after that commit.
        """
        told = asyncio.create_task(self._caller.halt(halt.reason))
        await _end(strategy)
        conclusion = Conclusion("stopped", halt.reason, "build")
        ending = Ending("stopped", halt.kind, halt.reason, conclusion)
        said = Halted(kind=halt.kind, reason=halt.reason)
        try:
            await self._journal.halt(said, *self._labelled(ending))
        finally:
            await told
        return ending

    def _labelled(self, ending: Ending) -> tuple[Entry, ...]:
        """Behind the course; nothing where there is nothing to say."""
        found = self._labels(ending)
        path = f"!labels-{self._journal.token}"
        return (Entry(path, LABELS, Labelled(labels=found)),) if found else ()

    async def _until_asked(self) -> Halt:
        """Until somebody asks for a halt in the database."""
        heard: asyncio.Event = asyncio.Event()
        mission = self._journal.mission
        listening = asyncio.create_task(
            self._database.watch(
                "hekaton_mission", lambda said: heard.set() if said in ("", mission) else None
            )
        )
        try:
            while True:
                with suppress(TimeoutError):  # a notification may be lost with a dying connection
                    async with asyncio.timeout(LOOK):  # wait_for could lose a cancellation
                        await heard.wait()
                heard.clear()
                if reason := await self._database.value(
                    "select halt from hekaton.mission where id = $1", mission
                ):
                    return Halt("killed", reason)
        finally:
            await _end(listening)

    async def _until(self, wall_clock: float) -> Halt:
        """Until the mission's time is up, by the database's clock."""
        left = await self._database.value(
            "select $2::float8 - extract(epoch from clock_timestamp() - started_at)::float8"
            " from hekaton.mission where id = $1",
            self._journal.mission,
            wall_clock,
        )
        # A clock that was set back gives no more than the whole; from here on time is monotonic.
        await asyncio.sleep(min(max(0.0, left), wall_clock))
        return Halt("time", f"wall clock: the mission's {wall_clock:g} s are over")

    async def _until_rekeyed(self) -> Halt:
        """Until this conductor cannot come back to its broker. One that still answers is left alone,
        though it has new keys lying there: what is in flight comes to its end."""
        while self._caller.up or not self._rekeyed():
            await asyncio.sleep(LOOK)
        return Halt("unavailable", REKEYED)


async def _end(*tasks: "asyncio.Task[Any]") -> None:
    """Cancel what goes on, and wait for all. An error was handled or no longer matters; it is not
    raised again here, which would write over where it came from."""
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    for task in tasks:
        task.cancelled() or task.exception()
