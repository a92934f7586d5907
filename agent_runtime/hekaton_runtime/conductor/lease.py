"""Own a mission: a lease with a fencing token, renewed while the conductor lives.

The lease decides who may try; the token, checked in every write, decides who can. Time is the
database's alone, so no machine's clock gives a mission two owners.
"""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from hekaton_runtime.errors import BadInput, Fenced, Unavailable
from hekaton_runtime.store.postgres import Database


def owner() -> str:
    """This process, so that a later one on the same machine can see whether it is dead."""
    return f"{socket.gethostname()}/{_boot()}/{os.getpid()}/{_started(os.getpid())}"


def is_gone(name: str) -> bool:
    """True if `name` is surely a dead process of this machine; False where that cannot be known."""
    host, boot, pid, started = (name.split("/") + [""] * 4)[:4]
    return (host, boot) == (socket.gethostname(), _boot()) and started != _started(int(pid))


def _boot() -> str:
    """This boot and, since containers may share a host's name, these namespaces of processes and time.

    Another time namespace sees other start times, and would take the living for dead.
    """
    spaces = [Path("/proc/self/ns", name) for name in ("pid", "time")]
    space = ".".join(str(one.stat().st_ino) for one in spaces if one.exists())
    return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()}.{space}"


def _started(pid: int) -> str:
    """A process's start time in ticks since boot; empty where there is none, or only its zombie."""
    try:
        facts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if facts[0] in "ZX" else facts[19]
    except (OSError, IndexError):
        return ""


class Busy(BadInput):
    """Somebody else conducts the mission, and goes on doing so."""


@asynccontextmanager
async def owned(
    database: Database, mission: str, seconds: float, patience: float
) -> AsyncIterator[int]:
    """Take the mission, yield the fencing token, give it up at the end.

    Waits up to `patience` for another owner's lease to run out; raises `Busy` if it does not.
    """
    token = await _take(database, mission, seconds, patience)
    try:
        yield token
    finally:
        with suppress(Unavailable):  # then the lease runs out by itself
            await database.fetch("select hekaton.give_up($1, $2)", mission, token)


async def _take(database: Database, mission: str, seconds: float, patience: float) -> int:
    waited = 0.0
    while True:
        holder = (
            await database.value("select owner from hekaton.lease where mission_id = $1", mission)
            or ""
        )
        gone = holder if holder and is_gone(holder) else None
        token: int | None = await database.value(
            "select hekaton.take($1, $2, $3, $4)", mission, owner(), seconds, gone
        )
        if token is not None:
            return token
        if waited >= patience:
            raise Busy(
                [
                    f"mission {mission!r} is being worked by {holder}. Watch it: `hekaton show {mission}`."
                ]
            )
        await asyncio.sleep(0.5)
        waited += 0.5


async def keep(database: Database, mission: str, token: int, seconds: float) -> None:
    """Renew for ever; raises `Fenced` when the mission has another owner."""
    while True:
        await asyncio.sleep(seconds / 3)
        if not await database.value("select hekaton.renew($1, $2, $3)", mission, token, seconds):
            raise Fenced(
                f"Another conductor has taken mission {mission!r}; this one ends without a further write."
            )
