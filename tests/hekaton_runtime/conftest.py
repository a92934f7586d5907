"""Fixtures of the runtime's tests: a real PostgreSQL a process, a fresh database a test."""

import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from hekaton_runtime.store.embedded import embedded
from hekaton_runtime.store.postgres import Database, connect


@pytest.fixture(scope="session")
def server_dsn() -> Iterator[str]:
    """The maintenance database of a PostgreSQL that this test process alone uses."""
    home = Path(tempfile.mkdtemp(prefix="hk-", dir="/tmp"))
    home.chmod(0o755)
    try:
        with embedded(home) as dsn:
            yield dsn
    finally:
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
async def dsn(server_dsn: str) -> AsyncIterator[str]:
    """A fresh, empty database."""
    name = f"t{uuid.uuid4().hex[:12]}"
    admin = await asyncpg.connect(server_dsn)
    await admin.execute(f"create database {name}")
    try:
        yield server_dsn.replace("/postgres?", f"/{name}?")
    finally:
        await admin.execute(f"drop database {name} with (force)")
        await admin.close()


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[Database]:
    """A fresh database with our schema."""
    async with connect(dsn, patience=5.0) as opened:
        yield opened


@pytest.fixture
def new_mission(database: Database) -> Callable[[], Awaitable[str]]:
    """Adds an empty mission row and gives its id."""

    async def make() -> str:
        mission = f"m-{uuid.uuid4().hex[:8]}"
        await database.fetch(
            "insert into hekaton.mission (id, name, mode, document, formation) values ($1, $1, 'single', '{}', '{}')",
            mission,
        )
        return mission

    return make
