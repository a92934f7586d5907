"""Bring a database's schema up to date: numbered SQL files, forward only, under an advisory lock."""

import hashlib
from collections.abc import Mapping
from importlib import resources
from typing import Any, TypeAlias

from hekaton_runtime.errors import BadInput

MIGRATING = 0x68656B61746F6E  # the advisory lock's number: "hekaton" in ASCII
KNOWN = "select number, digest from hekaton.migration"
Migrations: TypeAlias = tuple[tuple[int, str, str], ...]
"""Number, file name, text; in order."""


def migrations() -> Migrations:
    """Every migration of this version."""
    folder = resources.files("hekaton_runtime.store") / "migrations"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return tuple((int(name[:4]), name, (folder / name).read_text()) for name in names)


async def migrate(link: Any) -> tuple[int, ...]:
    """Apply what is missing, in order, under an advisory lock; returns the numbers applied now.

    Where nothing is missing nothing is asked for but to read, which is all that a tenant may.
    Raises `BadInput` if the database is newer than this program or an applied file was edited since.
    """
    ours = migrations()
    if await link.fetchval("select to_regclass('hekaton.migration') is not null"):
        known = {row["number"]: row["digest"] for row in await link.fetch(KNOWN)}
        if not _missing(ours, known):
            return ()
    async with link.transaction():
        await link.execute("select pg_advisory_xact_lock($1)", MIGRATING)
        await link.execute("create schema if not exists hekaton")
        await link.execute(
            "create table if not exists hekaton.migration (number integer primary key, name text not null,"
            " digest text not null, at timestamptz not null default now())"
        )
        known = {row["number"]: row["digest"] for row in await link.fetch(KNOWN)}
        missing = _missing(ours, known)
        for number, name, text in missing:
            await link.execute(text)
            await link.execute(
                "insert into hekaton.migration values ($1, $2, $3)", number, name, _digest(text)
            )
    return tuple(number for number, _, _ in missing)


def _missing(ours: Migrations, known: Mapping[int, str]) -> Migrations:
    """What the database lacks; raises `BadInput` where it has what we have not."""
    if newer := set(known) - {number for number, _, _ in ours}:
        raise BadInput(
            [f"The database has migration {max(newer)}, which this version lacks. Upgrade hekaton."]
        )
    for number, name, text in ours:
        if number in known and known[number] != _digest(text):
            raise BadInput(
                [
                    f"Migration {name} differs from the one this database was made with, so another build of"
                    " hekaton made it. Use that build, or another home (HEKATON_HOME) or database."
                ]
            )
    return tuple(each for each in ours if each[0] not in known)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
