"""Open the database that the settings name: the user's own server, or the embedded one."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import quote

from hekaton_runtime.settings import Settings
from hekaton_runtime.store.embedded import embedded
from hekaton_runtime.store.postgres import Database, connect


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[Database]:
    async with AsyncExitStack() as stack:
        if server := settings.server:
            dsn = f"postgresql://{quote(server.user)}@{server.host}:{server.port}/{quote(server.name)}"
            password = server.password
        else:
            dsn, password = stack.enter_context(embedded(settings.home)), ""
        yield await stack.enter_async_context(connect(dsn, password))
