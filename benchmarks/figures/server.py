"""A PostgreSQL of the benchmark's own: the embedded one in a new folder, with every contestant's
database beside the others, and the settings that say whether a commit really reaches the disk.
"""

import atexit
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg

from hekaton_runtime.store.embedded import embedded

SETTINGS = ("server_version", "fsync", "synchronous_commit", "wal_sync_method", "full_page_writes")


@dataclass(frozen=True, slots=True)
class Server:
    """A running server; `dsn` names its maintenance database."""

    home: Path
    dsn: str

    def database(self, name: str) -> str:
        return self.dsn.replace("/postgres?", f"/{name}?")


@contextmanager
def server() -> Iterator[Server]:
    """Start one under a folder that nobody else knows, and remove both at the end."""
    home = Path(tempfile.mkdtemp(prefix="hb-", dir="/tmp"))
    home.chmod(0o755)
    (home / "tmp").mkdir(mode=0o777)
    atexit.register(shutil.rmtree, home, ignore_errors=True)  # after the library's own last words
    try:
        with embedded(home) as dsn:
            yield Server(home, dsn)
    finally:
        shutil.rmtree(home, ignore_errors=True)


@asynccontextmanager
async def admin(server: Server) -> AsyncIterator[Any]:
    """A connection to the maintenance database."""
    link = await asyncpg.connect(server.dsn)
    try:
        yield link
    finally:
        await link.close()


async def make(server: Server, *names: str) -> None:
    async with admin(server) as link:
        for name in names:
            await link.execute(f"create database {name}")


async def durability(server: Server) -> str:
    """What a commit waits for, in one line."""
    async with admin(server) as link:
        said = [f"{name} {await link.fetchval(f'show {name}')}" for name in SETTINGS]
    return f"PostgreSQL {', '.join(said)}; on {filesystem(server.home)}"


async def size(server: Server, database: str) -> int:
    """Bytes of all tables of a database, with their indexes and long values."""
    link = await asyncpg.connect(server.database(database))
    try:
        found: int = await link.fetchval(
            "select coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint from pg_class c"
            " join pg_namespace n on n.oid = c.relnamespace"
            " where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema')"
        )
        return found
    finally:
        await link.close()


def filesystem(folder: Path) -> str:
    """Type of the file system that a folder lies on, as the kernel names it."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    fits = [m for m in mounts if folder.resolve().is_relative_to(m[1])]
    best = max(fits, key=lambda m: len(m[1]))
    return f"{best[2]} ({best[0]})"


def environ(server: Server, database: str, path: str) -> dict[str, str]:
    """What a `hekaton` process needs to use that server, and nothing else."""
    parts = urlsplit(server.dsn)
    return {
        "PATH": path, "HOME": str(server.home), "TMPDIR": str(server.home / "tmp"), "HEKATON_HOME": str(server.home),
        "HEKATON_DB_HOST": parse_qs(parts.query)["host"][0], "HEKATON_DB_PORT": "5432",
        "HEKATON_DB_NAME": database, "HEKATON_DB_USER": "postgres",
    }  # fmt: skip
