"""Open the database that the settings name: the user's own server, or the embedded one."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import quote

from hekaton_runtime.errors import Unavailable
from hekaton_runtime.settings import Server, Settings
from hekaton_runtime.store.embedded import FOLDER, embedded
from hekaton_runtime.store.postgres import Database, connect

NAP = 1.0
"""Seconds between two tries."""


@asynccontextmanager
async def open_database(settings: Settings, *, wait: bool = False) -> AsyncIterator[Database]:
    """With `wait`, a server that is not there yet has the settings' patience to come up."""
    until = time.monotonic() + (settings.patience if wait else 0.0)
    async with AsyncExitStack() as stack:
        while True:
            try:
                database = await stack.enter_async_context(_opened(settings))
                break
            except Unavailable:
                if time.monotonic() + NAP >= until:
                    raise
                await asyncio.sleep(NAP)
        yield database


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[Database]:
    async with AsyncExitStack() as stack:
        if server := settings.server:
            dsn, password, folder = address(server), server.password, ""
        else:
            dsn, password = stack.enter_context(embedded(settings.home)), ""
            folder = str(settings.home / FOLDER)
        yield await stack.enter_async_context(connect(dsn, password, settings.patience, folder))


def address(server: Server) -> str:
    """The DSN without the password; a host that begins with a slash is a socket's folder."""
    user, name = quote(server.user, safe=""), quote(server.name, safe="")
    if server.host.startswith("/"):
        return f"postgresql://{user}@/{name}?host={quote(server.host)}&port={server.port}"
    return f"postgresql://{user}@{server.host}:{server.port}/{name}"
