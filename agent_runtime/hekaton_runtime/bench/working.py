"""Work the missions of a run side by side, and read what became of each from the database.

A run that was interrupted is simply begun again: missions that ended are read back, those that were
interrupted go on from their journals, and only the rest is new.
"""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from hekaton_runtime.bench import rows
from hekaton_runtime.bench.cases import Case, differs
from hekaton_runtime.bench.rows import Row, Span
from hekaton_runtime.conductor.conduct import Halt
from hekaton_runtime.conductor.engine import Course
from hekaton_runtime.conductor.events import Event
from hekaton_runtime.conductor.records import Record, find, status
from hekaton_runtime.conductor.work import Office, begin, folder, work
from hekaton_runtime.errors import BadInput, HekatonError, ReplayDiverged, Unavailable
from hekaton_runtime.journal.entries import Entry
from hekaton_runtime.journal.postgres import load
from hekaton_runtime.store.postgres import Database
from hekaton_runtime.strategies.values import Conclusion

Replay = Callable[[Record, tuple[Entry, ...]], Awaitable[tuple[Course, Conclusion | None]]]
"""Runs a journal again without any model."""


@dataclass(frozen=True, slots=True)
class Left:
    """A case that has not ended."""

    case: Case
    reason: str


class View(Protocol):
    """Whoever looks on."""

    def heard(self, case: Case, event: Event) -> None:
        """Something happened in a mission."""

    def ended(self, row: Row) -> None:
        """A mission ended now."""

    def left(self, left: Left) -> None:
        """A mission could not be brought to its end."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads results from the database."""

    database: Database
    replay: Replay

    async def there(self, cases: Sequence[Case]) -> frozenset[str]:
        """The ids of the missions that exist."""
        found = await self.database.fetch(
            "select id from hekaton.mission where id = any($1)", [case.record.id for case in cases]
        )
        return frozenset(row["id"] for row in found)

    async def row(self, case: Case) -> Row | None:
        """The result of a mission that exists; None while it may go on from an interruption."""
        now = await status(self.database, case.record.id)
        if not rows.ended(now) and now.stop_kind != "unavailable":
            return None
        entries = await load(self.database, case.record.id)
        try:
            course, _ = await self.replay(case.record, entries)
            seen = rows.course(course.moments)
        except ReplayDiverged:  # its status says so
            seen = rows.Course("", ())
        return rows.row(case.task, case.seed, now, seen, await self._spans(case.record.id))

    async def _spans(self, mission: str) -> tuple[Span, ...]:
        times = (
            await self.database.fetch(
                "select extract(epoch from started_at)::float8 as started,"
                " extract(epoch from ended_at)::float8 as ended from hekaton.mission where id = $1",
                mission,
            )
        )[0]
        owners = await self.database.fetch(
            "select extract(epoch from min(at))::float8 as first, extract(epoch from max(at))::float8 as last"
            " from hekaton.journal where mission_id = $1 group by token order by token",
            mission,
        )
        return rows.spans(
            times["started"], times["ended"], tuple((one["first"], one["last"]) for one in owners)
        )


async def check_same(database: Database, cases: Sequence[Case], there: frozenset[str]) -> None:
    """Raises `BadInput` where a name stands for another mission than the one that is wanted."""
    reasons = []
    for case in cases:
        if case.record.id not in there:
            continue
        if parts := differs(case.record, await find(database, case.record.id)):
            reasons.append(
                f"mission {case.record.id!r} was begun with other arguments ({', '.join(parts)})."
                " Give another --run, or leave it out."
            )
    if reasons:
        raise BadInput(reasons[:5])


class Works:
    """One stage: missions that share a broker, agents and a database."""

    def __init__(
        self, office: Office, reader: Reader, view: View, interrupt: "asyncio.Future[Halt]"
    ) -> None:
        self._office = office
        self._reader = reader
        self._view = view
        self._interrupt = interrupt

    async def run(self, cases: Sequence[Case], parallel: int) -> tuple[Row | Left, ...]:
        """Work them, `parallel` at once, until all have ended or somebody interrupts."""
        queue = iter(cases)
        done: list[Row | Left] = []
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(parallel):
                    group.create_task(self._worker(queue, done))
        except BaseExceptionGroup as many:
            raise many.exceptions[0] from None
        done += [Left(case, "not begun") for case in queue]
        return tuple(done)

    async def _worker(self, queue: Iterator[Case], done: list[Row | Left]) -> None:
        while not self._interrupt.done() and (case := next(queue, None)):
            try:
                one = await self._one(case)
            except HekatonError as fault:
                one = Left(case, str(fault))
                if isinstance(fault, Unavailable) and not self._interrupt.done():
                    self._interrupt.set_result(Halt("interrupted", str(fault)))
            done.append(one)
            if isinstance(one, Row):
                self._view.ended(one)
            else:
                self._view.left(one)

    async def _one(self, case: Case) -> Row | Left:
        database = self._office.database
        if await self._reader.there([case]):
            record = await find(database, case.record.id)
        else:
            record = case.record
            # What lies there belongs to a mission of that name in another database.
            await asyncio.to_thread(shutil.rmtree, folder(record), ignore_errors=True)
            await begin(database, record)
        finished = await work(
            record, self._office, lambda event: self._view.heard(case, event), self._interrupt
        )
        row = await self._reader.row(case)
        return Left(case, finished.ending.reason) if row is None else row
