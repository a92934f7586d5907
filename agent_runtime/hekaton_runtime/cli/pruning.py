"""`hekaton prune`: delete the journals of missions that ended long ago. What they cost stays known.

A journal is what `resume` and `replay` need; budget, calls, status and SITREP lie elsewhere and are kept.
"""

import asyncio
import json
import re

from hekaton_api.units import seconds
from hekaton_runtime.errors import BadInput
from hekaton_runtime.settings import from_environ
from hekaton_runtime.store.open import open_database
from hekaton_runtime.store.postgres import Row

FOUND = (
    "select id, state, entries, bytes from hekaton.prunable"
    " where ended_at < clock_timestamp() - make_interval(secs => $1) order by ended_at"
)
DAYS = re.compile(r"(\d{1,5})d(.*)", re.ASCII)


def age(text: str) -> int:
    """Seconds of `30d`, `12h`, `1d12h`; raises `BadInput`."""
    found = DAYS.fullmatch(text)
    days, rest = (int(found[1]), found[2]) if found else (0, text)
    try:
        return days * 86_400 + (seconds(rest) if rest or not found else 0)
    except ValueError as fault:
        raise BadInput(
            [f"--older-than: {text!r} is no age. Give days or a duration, as in '30d' or '12h'."]
        ) from fault


def prune_missions(older_than: str, *, dry_run: bool, as_json: bool) -> int:
    return asyncio.run(_prune(age(older_than), dry_run=dry_run, as_json=as_json))


async def _prune(oldest: int, *, dry_run: bool, as_json: bool) -> int:
    async with open_database(from_environ()) as database:
        found = await database.fetch(FOUND, float(oldest))
        for row in found:
            if not dry_run:
                await database.fetch("select hekaton.prune($1)", row["id"])
            if as_json:
                print(json.dumps({**dict(row.items()), "pruned": not dry_run}), flush=True)
    if not as_json:
        print(_said(found, dry_run=dry_run))
    return 0


def _said(found: list[Row], *, dry_run: bool) -> str:
    """What happened to which missions; a screen of names at most."""
    if not found:
        return "Nothing to prune: no mission that ended so long ago has a journal."
    names = [row["id"] for row in found]
    shown = ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
    kib = sum(row["bytes"] for row in found) / 1024
    many = sum(row["entries"] for row in found)
    what = "would be deleted" if dry_run else "deleted; their room is used again"
    return f"{shown}\n{len(names)} missions: {many:,} journal entries, {kib:,.0f} KiB, {what}."
