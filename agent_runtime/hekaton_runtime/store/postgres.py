"""The one door to PostgreSQL: a pool that survives lost connections.

Every statement the runtime sends is one self-contained, repeatable step (a function of the schema), so
a statement whose connection was lost may be sent again without knowing whether it took effect.
"""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import asyncpg
from tenacity import (
    AsyncRetrying,
    RetryError,
    retry_if_exception_type,
    stop_after_delay,
    wait_random_exponential,
)

from hekaton_runtime.errors import BadInput, NotLetIn, Unavailable
from hekaton_runtime.store.cancelling import cancellations, stay_cancelled, still_cancelled
from hekaton_runtime.store.migrating import migrate

log = logging.getLogger(__name__)

LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # raised too when a connection is cut in the midst of a statement
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.DeadlockDetectedError,  # nothing took effect: a late closing met a takeover's forfeit
    asyncpg.DiskFullError,
    asyncpg.InvalidAuthorizationSpecificationError,  # a password that is being changed
    asyncpg.InsufficientPrivilegeError,  # a database that is being put back from a dump
    OSError,
    TimeoutError,
)
KEPT = 2
"""Connections that stay in hand between two statements; further ones go back to the pool."""
Row = asyncpg.Record


@dataclass(frozen=True, slots=True)
class Ear:
    """The one connection that listens on a channel, for everybody who watches it."""

    hearers: list[Callable[[str], None]]
    task: "asyncio.Task[None]"


class Links:
    """Connections of the pool in hand: to give one back and take it again costs as much as a statement."""

    def __init__(self, pool: "asyncpg.Pool[Row]") -> None:
        self._pool = pool
        self._idle: list[Any] = []
        self._wanting = 0

    async def fetch(self, sql: str, args: tuple[object, ...]) -> list[Row]:
        link = self._from_hand() or await self._from_pool()
        try:
            rows: list[Row] = await link.fetch(sql, *args)
        except asyncpg.DataError as fault:
            await self._pool.release(link)
            raise BadInput([_unkept(fault)]) from fault
        except BaseException:
            await self._pool.release(link)  # which waits until a cancelled statement is over
            raise
        if self._wanting or len(self._idle) >= KEPT:
            await self._pool.release(link)
        else:
            self._idle.append(link)
        return rows

    async def close(self) -> None:
        while self._idle:
            with suppress(*LOST):
                await self._pool.release(self._idle.pop())

    def _from_hand(self) -> Any:
        """One that is still connected; None where there is none."""
        while self._idle:
            link = self._idle.pop()
            with suppress(asyncpg.InterfaceError):  # it was lost, and the pool knows that already
                if not link.is_closed():
                    return link
        return None

    async def _from_pool(self) -> Any:
        self._wanting += 1  # who ends a statement meanwhile gives its connection back
        try:
            return await self._pool.acquire()
        finally:
            self._wanting -= 1


class Database:
    """A pool of connections to one database."""

    def __init__(self, pool: "asyncpg.Pool[Row]", patience: float, folder: str) -> None:
        self._pool = pool
        self._links = Links(pool)
        self._patience = patience
        self._folder = folder
        self._away = False
        self._ears: dict[str, Ear] = {}

    async def fetch(self, sql: str, *args: object) -> list[Row]:
        """Rows of one repeatable statement; sent again while the server is away, up to `patience`.

        Once that was in vain, further statements are tried once only: whoever ends because of it
        must not wait again for each thing it would still write. Raises `BadInput` for a value that
        no text of PostgreSQL can hold.
        """
        began = time.monotonic()
        if not self._away:
            before = cancellations()
            try:
                return await self._links.fetch(sql, args)
            except LOST:
                stay_cancelled(before)
        left = 0.0 if self._away else began + self._patience - time.monotonic()
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(LOST),
            wait=wait_random_exponential(multiplier=0.05, max=2),
            stop=stop_after_delay(left),
        )
        try:
            async for attempt in retrying:
                with attempt, still_cancelled(LOST):
                    return await self._sent(sql, args)
        except RetryError as fault:
            self._away = True
            why = fault.last_attempt.exception()
            raise Unavailable(self._explained(why)) from why
        raise AssertionError("tenacity ends by a value or an error")

    async def _sent(self, sql: str, args: tuple[object, ...]) -> list[Row]:
        rows = await self._links.fetch(sql, args)
        self._away = False
        return rows

    async def close(self) -> None:
        """Give back what is in hand; the pool itself belongs to `connect`."""
        await self._links.close()

    def _explained(self, why: BaseException | None) -> str:
        place = f" under {self._folder!r}" if self._folder else ""
        said = " ".join(str(why).split())  # a hint of the server's stands on a line of its own
        remedy = "start it"
        if isinstance(why, asyncpg.DiskFullError):
            remedy = f"make room in {self._folder!r}" if self._folder else "make room on its disk"
        elif self._folder:
            remedy = "see whether its disk is full"
        return (
            f"The database{place} has not answered for {self._patience:.0f} s ({type(why).__name__}: {said})."
            f" Nothing finished is lost: {remedy}, then `hekaton resume`."
        )

    async def value(self, sql: str, *args: object) -> Any:
        """The first column of the first row; None where there is none."""
        rows = await self.fetch(sql, *args)
        return rows[0][0] if rows else None

    async def watch(self, channel: str, heard: Callable[[str], None]) -> None:
        """Tell `heard` each payload notified on a channel; reconnects by itself. Ends by cancellation.

        All who watch a channel share one connection: many missions leave the pool to statements.
        """
        ear = self._ears.get(channel)
        if ear is None:
            hearers: list[Callable[[str], None]] = []
            ear = self._ears[channel] = Ear(
                hearers, asyncio.create_task(self._hear(channel, hearers))
            )
        ear.hearers.append(heard)
        heard("")  # whatever happened before this one listened
        try:
            await asyncio.shield(ear.task)
        finally:
            ear.hearers.remove(heard)
            if not ear.hearers:
                self._ears.pop(channel, None)
                ear.task.cancel()
                await asyncio.gather(ear.task, return_exceptions=True)

    async def _hear(self, channel: str, hearers: list[Callable[[str], None]]) -> None:
        def tell(said: str) -> None:
            for heard in tuple(hearers):
                heard(said)

        while True:
            with suppress(*LOST), still_cancelled(LOST):
                async with self._pool.acquire() as link:
                    await _listen(link, channel, tell)
            await asyncio.sleep(0.5)


async def _listen(link: Any, channel: str, heard: Callable[[str], None]) -> None:
    """Until the connection is gone."""
    gone = asyncio.Event()
    link.add_termination_listener(lambda _: gone.set())

    def passed_on(*said: Any) -> None:
        heard(said[3])

    await link.add_listener(channel, passed_on)
    try:
        heard("")  # whatever was missed while there was no connection
        await gone.wait()
    finally:
        if not gone.is_set():
            await link.remove_listener(channel, passed_on)


def _unkept(fault: asyncpg.DataError) -> str:
    said = " ".join(str(fault).split())
    return f"The database cannot take a value: {said}. Give text in UTF-8, without NUL bytes."


async def _prepare(link: Any) -> None:
    await link.set_type_codec("jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads)


async def _nothing(link: Any) -> None:
    """No statement of ours leaves anything in its session; the usual reset costs a round trip each."""


@asynccontextmanager
async def connect(
    dsn: str, password: str = "", patience: float = 60.0, folder: str = ""
) -> AsyncIterator[Database]:
    """Open a pool, bring the schema up to date, yield the database.

    `folder` is where an embedded server keeps it, for people to look for room in.
    Raises `NotLetIn` where the server refuses these credentials, `BadInput` where it has another
    schema, `Unavailable` where nothing answers.
    """
    pool = await asyncpg.create_pool(
        dsn,
        password=password or None,
        min_size=0,  # else the pool logs a traceback for each vain try to keep a connection
        max_size=8,
        init=_prepare,
        reset=_nothing,
        command_timeout=30,
        timeout=10,
        server_settings={"application_name": "hekaton"},
    )
    try:
        await _ready(pool)
        database = Database(pool, patience, folder)
        try:
            yield database
        finally:
            await database.close()
    finally:
        try:
            await asyncio.wait_for(pool.close(), 5)
        except TimeoutError:
            pool.terminate()


async def _ready(pool: "asyncpg.Pool[Row]") -> None:
    try:
        async with pool.acquire() as link:
            await migrate(link)
    except (
        asyncpg.InvalidAuthorizationSpecificationError,
        asyncpg.InvalidCatalogNameError,
        asyncpg.InsufficientPrivilegeError,  # of a tenant, to bring the schema up to date
    ) as fault:
        raise NotLetIn(
            [f"HEKATON_DB_*: the server refuses: {fault}. Check user, password and name."]
        ) from fault
    except LOST as fault:
        raise Unavailable(
            f"No PostgreSQL answers ({type(fault).__name__}: {fault}). Start it, or check HEKATON_DB_*."
        ) from fault
