"""Conductors, as far as the operator can tell: rows of missions that move through their phases.

The schema is the runtime's own, with its view and its notifications; only the conductors are played.
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import Sequence

import asyncpg
from figures.server import Server

PHASES = ("discover", "debate", "scaffold", "architect", "build", "verify", "audit", "report")
BEGIN = (
    "insert into hekaton.mission (id, name, mode, document, formation, state, phase, started_at)"
    " select id, id, 'swarm', '{}', '{}', 'running', 'discover', clock_timestamp() from unnest($1::text[]) id"
)
OWN = (
    "insert into hekaton.lease select id, 'played', 1, clock_timestamp() + interval '1 day'"
    " from unnest($1::text[]) id"
)
MOVE = (
    "update hekaton.mission set phase = $2, tasks_done = tasks_done + 1, tasks_total = 8 where id = any($1::text[])"
)  # fmt: skip
END = (
    "update hekaton.mission set state = 'passed', reason = 'Acceptance passed.', phase = 'report',"
    " ended_at = clock_timestamp() where id = any($1::text[])"
)
PAPER = "insert into hekaton.paper select id, 'SITREP.md', 'Done.' from unnest($1::text[]) id"


def migrate(server: Server) -> str:
    """The folder of its socket, as the operator takes it for a host."""
    folder = server.dsn.partition("host=")[2]
    names = {"HOST": folder, "PORT": "5432", "NAME": "postgres", "USER": "postgres", "PASSWORD": ""}
    environ = {f"HEKATON_DB_{name}": value for name, value in names.items()}
    code = "from hekaton_runtime.cli.main import main; main()"
    words = [sys.executable, "-c", code, "migrate"]
    subprocess.run(words, env={**environ, "PATH": "/usr/bin:/bin"}, check=True, capture_output=True)
    return folder


async def lives(server: Server, missions: Sequence[str], seconds: float) -> None:
    """All of them from their first phase to their end, in so many seconds."""
    ids = list(missions)
    link = await asyncpg.connect(server.dsn)
    try:
        began = time.monotonic()
        async with link.transaction():
            await link.execute(BEGIN, ids)
            await link.execute(OWN, ids)
        for number, phase in enumerate(PHASES[1:], 1):
            at = began + seconds * number / len(PHASES)
            await asyncio.sleep(max(0.0, at - time.monotonic()))
            await link.execute(MOVE, ids, phase)
        await asyncio.sleep(max(0.0, began + seconds - time.monotonic()))
        async with link.transaction():
            await link.execute(PAPER, ids)
            await link.execute(END, ids)
    finally:
        await link.close()
