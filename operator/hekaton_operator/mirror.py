"""The one door to PostgreSQL: what missions report there, and the one thing that is asked of them.

Changes are heard by LISTEN and read in batches; a poll covers what a lost connection missed. The rows
are kept in memory: a reconcile never waits for the database.
"""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from hekaton_api.mission_view import CHANNEL, VIEW
from hekaton_operator.enlisting import Enlisting
from hekaton_operator.errors import Away, Refused
from hekaton_operator.names import attempt_id
from hekaton_operator.progress import Paper, Progress
from hekaton_operator.settings import Server
from hekaton_operator.tenancy import Tenant, verifier

log = logging.getLogger(__name__)
LOST = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)
NO_ROLE = (
    asyncpg.InsufficientPrivilegeError,
    asyncpg.DuplicateObjectError,
    asyncpg.ReservedNameError,
)
Row = asyncpg.Record
READ = (
    "select id, state, reason, stop_kind, phase, detail, round, wave, tasks_done, tasks_total, spent_tokens,"
    " spent_micros, reserved_tokens, reserved_micros, started_at, ended_at, owned, artifact"
    f" from {VIEW} where id = any($1::text[])"
)


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Seconds."""

    batch: float = 0.5
    """Between two reads of what was heard of."""
    poll: float = 30.0
    """Between two reads of everything."""
    away: float = 2.0
    """Before a new connection is tried."""


class Mirror:
    """Rows of the missions that somebody asked for."""

    def __init__(self, server: Server, rhythm: Rhythm = Rhythm()) -> None:
        self._server, self._rhythm = server, rhythm
        self._watchers: list[Callable[[str], None]] = []
        self._rows: dict[str, Progress] = {}
        self._wanted: set[str] = set()
        self._heard: set[str] = set()
        self._wake = asyncio.Event()
        self._connection: asyncpg.Connection[Row] | None = None
        self._lock = asyncio.Lock()
        self._enlisting = Enlisting(self._enlist, time.monotonic)
        self.batches = 0
        self.up = False

    def watch(self, heard: Callable[[str], None]) -> None:
        """Tell of the id of every row that is new or other than before."""
        self._watchers.append(heard)

    def row(self, mission: str) -> Progress | None:
        """What was read last; asking makes it known from then on."""
        if mission not in self._wanted:
            self._wanted.add(mission)
            self._hear(mission)
        return self._rows.get(mission)

    def forget(self, uid: str) -> None:
        """A mission is gone: drop the rows of all its attempts."""
        number = 0
        while (mission := attempt_id(uid, number)) in self._wanted:
            self._wanted.discard(mission)
            self._rows.pop(mission, None)
            number += 1

    async def prime(self, missions: Iterable[str]) -> None:
        """Read rows before anything is decided; raises `Away` when the database is."""
        self._wanted.update(missions)
        await self._read(sorted(self._wanted))

    async def halt(self, mission: str, reason: str) -> None:
        """Ask whoever conducts it to stop it for good; raises `Away`."""
        await self._fetch("select hekaton.ask_halt($1, $2)", mission, reason)

    async def papers(self, mission: str) -> tuple[Paper, ...]:
        """What it left, in order of name; raises `Away`."""
        sql = "select name, content from hekaton.paper where mission_id = $1 order by name"
        return tuple(Paper(row["name"], row["content"]) for row in await self._fetch(sql, mission))

    async def enlist(self, tenant: Tenant) -> None:
        """Make sure, once, that a namespace's role is there; raises `Refused` or `Away`."""
        await self._enlisting.enlist(tenant)

    async def _enlist(self, tenant: Tenant) -> None:
        given = (tenant.role, verifier(tenant), tenant.namespace)
        try:
            rows = await self._fetch("select hekaton.tenant($1, $2, $3)", *given)
        except Away as fault:
            if not isinstance(fault.__cause__, NO_ROLE):
                raise
            raise Refused(
                "TenantRoleRefused",
                f"The database makes no role for namespace {tenant.namespace}: {fault.__cause__}."
                f' Let a superuser run: alter role "{self._server.user}" createrole. Or set'
                " database.tenantRoles=false, with which all namespaces share one role.",
            ) from fault
        log.info("role made sure of", extra={"role": tenant.role, "missions": rows[0][0]})

    async def run(self) -> None:
        """Listen for ever; a lost connection is made again."""
        while True:
            with suppress(Away):
                async with self._listening() as lost:
                    await self._follow(lost)
            self.up = False
            await asyncio.sleep(self._rhythm.away)

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await _closed(connection)

    async def _follow(self, lost: asyncio.Event) -> None:
        """Read what is heard of, until the connection that hears is lost."""
        loop = asyncio.get_running_loop()
        while not lost.is_set():
            await self._read(sorted(each for each in self._wanted if not self._over(each)))
            self.up = True
            end = loop.time() + self._rhythm.poll
            while (left := end - loop.time()) > 0 and not lost.is_set():
                with suppress(TimeoutError):
                    async with asyncio.timeout(left):  # wait_for may swallow a cancellation
                        await self._wake.wait()
                await asyncio.sleep(self._rhythm.batch)
                self._wake.clear()
                heard, self._heard = self._heard, set()
                await self._read(sorted(heard))

    def _over(self, mission: str) -> bool:
        """Whether its row will not change any more."""
        row = self._rows.get(mission)
        return row is not None and row.over

    def _hear(self, mission: str) -> None:
        if mission in self._wanted:
            self._heard.add(mission)
            self._wake.set()

    @asynccontextmanager
    async def _listening(self) -> AsyncIterator[asyncio.Event]:
        """A connection of its own: a statement must not hold up what is heard. Its loss is told."""
        connection = await self._connect()
        lost = asyncio.Event()

        def ended(_connection: object) -> None:
            lost.set()
            self._wake.set()

        def heard(_connection: object, _pid: int, _channel: str, payload: object) -> None:
            self._hear(str(payload))

        try:
            connection.add_termination_listener(ended)
            await connection.add_listener(CHANNEL, heard)
            yield lost
        except LOST as fault:
            raise Away(f"PostgreSQL does not answer ({type(fault).__name__}).") from fault
        finally:
            await _closed(connection)

    async def _read(self, missions: list[str]) -> None:
        if not missions:
            return
        self.batches += 1
        for row in await self._fetch(READ, missions):
            new = progress(row)
            if self._rows.get(new.id) != new:
                self._rows[new.id] = new
                for heard in self._watchers:
                    heard(new.id)

    async def _fetch(self, sql: str, *args: object) -> list[Row]:
        async with self._lock:
            try:
                if self._connection is None or self._connection.is_closed():
                    self._connection = await self._connect()
                rows: list[Row] = await self._connection.fetch(sql, *args, timeout=10)
            except LOST as fault:
                await self.close()
                raise Away(
                    f"PostgreSQL does not answer: {type(fault).__name__}: {fault}."
                ) from fault
        return rows

    async def _connect(self) -> "asyncpg.Connection[Row]":
        server = self._server
        try:
            return await asyncpg.connect(
                host=server.host,
                port=server.port,
                database=server.name,
                user=server.user,
                password=server.password or None,
                timeout=10,
            )
        except LOST as fault:
            raise Away(f"PostgreSQL at {server.host!r} cannot be reached: {fault}.") from fault


async def _closed(connection: "asyncpg.Connection[Row]") -> None:
    """End a connection, politely where the server still listens."""
    try:
        await connection.close(timeout=2)
    except LOST:
        connection.terminate()


def progress(row: Row) -> Progress:
    """A row of the view as a value."""
    artifact = json.loads(row["artifact"]) if row["artifact"] else {}
    return Progress(
        id=row["id"],
        state=row["state"],
        reason=row["reason"],
        stop_kind=row["stop_kind"],
        phase=row["phase"],
        detail=row["detail"],
        round=row["round"],
        wave=row["wave"],
        tasks_done=row["tasks_done"],
        tasks_total=row["tasks_total"],
        spent_tokens=row["spent_tokens"],
        spent_micros=row["spent_micros"],
        reserved_tokens=row["reserved_tokens"],
        reserved_micros=row["reserved_micros"],
        started=_seconds(row["started_at"]),
        ended=_seconds(row["ended_at"]),
        owned=row["owned"],
        branch=artifact.get("branch") or "",
        commit=artifact.get("commit") or "",
    )


def _seconds(time: datetime | None) -> float:
    return time.timestamp() if time else 0.0
