"""The desk of one machine: the queue lies in Postgres, and this process works it."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

from hekaton_runtime.conductor.halting import halt_unattended
from hekaton_runtime.conductor.records import find_exactly
from hekaton_runtime.conductor.work import folder
from hekaton_runtime.errors import BadInput
from hekaton_runtime.service import rows
from hekaton_runtime.service.bell import Bell
from hekaton_runtime.service.desk import (
    QUIET,
    Clash,
    Client,
    Event,
    Full,
    Moment,
    Paper,
    Shown,
    Submission,
    Unknown,
    View,
)
from hekaton_runtime.service.drafting import Drafter
from hekaton_runtime.service.happening import moment
from hekaton_runtime.store.postgres import Database

LOOK = 1.0
"""Seconds between two looks at a mission that somebody follows and that says nothing."""
PAGE = 200
"""Journal lines of one statement."""
CANCELLED = "cancelled by its client"


class LocalDesk:
    """A `Desk` and its `Papers`."""

    def __init__(
        self, database: Database, drafter: Drafter, bell: Bell, room: int, wake: Callable[[], None]
    ) -> None:
        """`room`: missions that may wait at most. `wake` is called when there is something to work."""
        self._database = database
        self._drafter = drafter
        self._bell = bell
        self._room = room
        self._wake = wake

    async def submit(self, client: Client, wanted: Submission) -> View:
        record = self._drafter.draft(wanted, int(time.time()))
        verdict, mission = await rows.submit(
            self._database, record, client, wanted.word, self._room
        )
        if verdict == "full":
            raise Full(f"The queue is full: {self._room} missions wait. Come back later.")
        self._wake()
        seen = await self.view(client, mission)
        same = (seen.task_description, seen.total_budget_tokens) == (wanted.task, wanted.tokens)
        if verdict == "known" and not same:
            raise Clash(
                f"Idempotency-Key {wanted.word!r} belongs to mission {mission!r}, which is another task."
                " Send a key of its own with each task."
            )
        return seen

    async def listed(self, client: Client, limit: int, before: str) -> tuple[View, ...]:
        if before:
            await self.view(client, before)
        return await rows.listed(self._database, client, limit, before)

    async def view(self, client: Client, mission: str) -> View:
        seen = await rows.view(self._database, client, mission)
        if seen is None:
            raise Unknown(f"There is no mission {mission!r}. GET /missions lists yours.")
        return seen

    async def cancel(self, client: Client, mission: str) -> View:
        seen = await self.view(client, mission)
        if seen.final and seen.state != "stopped":
            raise Clash(f"Mission {mission!r} has ended already: {seen.state}. {seen.reason}")
        if not seen.final:
            await self._database.value("select hekaton.ask_halt($1, $2)", mission, CANCELLED)
            with suppress(BadInput):  # somebody conducts it, hears of it, and does the last writes
                await halt_unattended(self._database, mission, CANCELLED)
        return await self.view(client, mission)

    async def events(self, client: Client, mission: str, after: int) -> AsyncIterator[Event]:
        """The view is read before the journal: a mission that has ended then writes no more."""
        shown: View | None = None
        again = 0.0
        while True:
            seen = await self.view(client, mission)
            async for one in self._moments(mission, after):
                after = one.seq
                yield one
            if seen != shown or time.monotonic() >= again:
                shown, again = seen, time.monotonic() + QUIET
                yield Shown(after, seen)
            if seen.final:
                return
            await self._bell.rung(mission, LOOK)

    async def _moments(self, mission: str, after: int) -> AsyncIterator[Moment]:
        while True:
            page = await self._database.fetch(
                "select * from hekaton.journal_after($1, $2, $3)", mission, after, PAGE
            )
            for row in page:
                yield moment(row["seq"], row["path"], row["at"], row["body"])
            if len(page) < PAGE:
                return
            after = page[-1]["seq"]

    async def paper(self, client: Client, mission: str, name: Paper) -> bytes:
        seen = await self.view(client, mission)
        record = await find_exactly(self._database, mission)
        if record is None:
            raise Unknown(f"There is no mission {mission!r}. GET /missions lists yours.")
        path = folder(record) / "SITREP.md"
        if name == "artifact":
            made = await self._database.value(
                "select artifact ->> 'patch' from hekaton.mission where id = $1", mission
            )
            path = Path(made) if made else folder(record) / "artifact"
        try:
            return path.read_bytes()
        except OSError as fault:
            raise Clash(
                f"Mission {mission!r} has no {name}: it is {seen.state}. {seen.reason}".strip()
            ) from fault
