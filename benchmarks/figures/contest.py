"""Contestants of one run: processes that measure a block in turn, so that all meet the same machine.

The order within a round rotates; whatever else the machine does falls on everybody alike.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from figures.report import ROOT

SCRIPTS = ROOT / "benchmarks" / "contestants"
PEERS = Path(".cache/peers/bin/python")
LONGEST = 600.0  # seconds for one block


@dataclass(frozen=True, slots=True)
class Entrant:
    """Who takes part: a script of `contestants/`, run by an interpreter."""

    name: str
    script: str
    python: str
    words: tuple[str, ...] = ()


class Contestant:
    """One running entrant."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self.pid = process.pid
        self._process = process

    async def block(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Have one block measured; raises `RuntimeError` when the process fails."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps(asked).encode() + b"\n")
        line = await asyncio.wait_for(stdout.readline(), LONGEST)
        if not line:
            raise RuntimeError(
                f"{self.name} ended in the midst of a block; see its last words above."
            )
        found: dict[str, Any] = json.loads(line)
        return found


@asynccontextmanager
async def running(entrants: Sequence[Entrant]) -> AsyncIterator[list[Contestant]]:
    """Start all; at the end their input is closed and they leave."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(_started(entrant)) for entrant in entrants]


@asynccontextmanager
async def _started(entrant: Entrant) -> AsyncIterator[Contestant]:
    process = await asyncio.create_subprocess_exec(
        entrant.python, str(SCRIPTS / entrant.script), *entrant.words,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=2**26,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    try:
        yield Contestant(entrant.name, process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 10)
        except TimeoutError:
            process.kill()
            await process.wait()


async def rounds(
    contestants: Sequence[Contestant], asked: Mapping[str, Any], many: int
) -> dict[str, list[dict[str, Any]]]:
    """So many blocks of each, in turn, starting with another one each time."""
    found: dict[str, list[dict[str, Any]]] = {one.name: [] for one in contestants}
    for number in range(many):
        start = number % len(contestants)
        for one in (*contestants[start:], *contestants[:start]):
            found[one.name].append(await one.block(asked))
    return found


def peers() -> str:
    """The interpreter of the peers' own environment; empty where nobody has installed it."""
    python = ROOT / PEERS
    return str(python) if python.exists() else ""
