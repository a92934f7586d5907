"""Bring a database's schema up to date: numbered SQL files, forward only, under an advisory lock."""

import hashlib
from importlib import resources
from typing import Any

from hekaton_runtime.errors import BadInput

MIGRATING = 0x68656B61746F6E  # the advisory lock's number: "hekaton" in ASCII


def migrations() -> tuple[tuple[int, str, str], ...]:
    """Every migration of this version: number, file name, text; in order."""
    folder = resources.files("hekaton_runtime.store") / "migrations"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return tuple((int(name[:4]), name, (folder / name).read_text()) for name in names)


async def migrate(link: Any) -> tuple[int, ...]:
    """Apply what is missing, in order, under an advisory lock; returns the numbers applied now.

    Raises `BadInput` if the database is newer than this program or an applied file was edited since.
    """
    applied: list[int] = []
    ours = migrations()
    async with link.transaction():
        await link.execute("select pg_advisory_xact_lock($1)", MIGRATING)
        await link.execute("create schema if not exists hekaton")
        await link.execute(
            "create table if not exists hekaton.migration (number integer primary key, name text not null,"
            " digest text not null, at timestamptz not null default now())"
        )
        known = {row["number"]: row for row in await link.fetch("select * from hekaton.migration")}
        if newer := set(known) - {number for number, _, _ in ours}:
            raise BadInput(
                [
                    f"The database has migration {max(newer)}, which this version lacks. Upgrade hekaton."
                ]
            )
        for number, name, text in ours:
            digest = hashlib.sha256(text.encode()).hexdigest()
            if number in known:
                if known[number]["digest"] != digest:
                    raise BadInput(
                        [f"Migration {name} differs from the one this database was made with."]
                    )
                continue
            await link.execute(text)
            await link.execute(
                "insert into hekaton.migration values ($1, $2, $3)", number, name, digest
            )
            applied.append(number)
    return tuple(applied)
