"""Open the database that the settings name: the user's own server, or the embedded one."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import quote

from hekaton_runtime.settings import Server, Settings
from hekaton_runtime.store.embedded import embedded
from hekaton_runtime.store.postgres import Database, connect


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[Database]:
    async with AsyncExitStack() as stack:
        if server := settings.server:
            dsn, password = address(server), server.password
        else:
            dsn, password = stack.enter_context(embedded(settings.home)), ""
        yield await stack.enter_async_context(connect(dsn, password, settings.patience))


def address(server: Server) -> str:
    """The DSN without the password; a host that begins with a slash is a socket's folder."""
    user, name = quote(server.user, safe=""), quote(server.name, safe="")
    if server.host.startswith("/"):
        return f"postgresql://{user}@/{name}?host={quote(server.host)}&port={server.port}"
    return f"postgresql://{user}@{server.host}:{server.port}/{name}"
