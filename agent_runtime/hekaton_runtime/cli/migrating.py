"""`hekaton migrate`: the schema, before anybody needs it."""

import asyncio

from hekaton_runtime.settings import from_environ
from hekaton_runtime.store.open import open_database


def migrate_database() -> int:
    """Raises `BadInput` for a newer schema, `Unavailable` where no server comes up in time."""
    return asyncio.run(_migrate())


async def _migrate() -> int:
    async with open_database(from_environ(), wait=True) as database:
        rows = await database.fetch("select number, name from hekaton.migration order by number")
    print(f"schema {rows[-1]['number']:04d} ({rows[-1]['name']}); {len(rows)} migrations applied")
    return 0
