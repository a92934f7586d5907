"""What the bus costs: ask -> broker -> agent -> answer, beside bare pyzmq in the same topology.

    .venv/bin/python benchmarks/bus.py

Caller, broker and agent are processes of their own, ours and the bare ones alike; both run in blocks
that take turns, over ipc and over tcp with CURVE, with one mission and with many that share a broker.
The agent has no model: it answers at once.
"""

import asyncio
import json
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from figures.contest import SCRIPTS, Contestant, Entrant, rounds, running
from figures.quantiles import Spread, micros, ratio, spread
from figures.report import Report, Table, load, machine, options, publish

from hekaton_runtime.bus.curve import generate, save
from hekaton_runtime.bus.sockets import new_curve_pair

OURS, BARE = "hekaton", "bare pyzmq"
FRAMES = 4  # that the broker takes in or gives out for one ask: submit, deliver, report, reply


@dataclass(frozen=True, slots=True)
class Row:
    """One contestant in one setting."""

    name: str
    transport: str
    missions: int
    asks: Spread
    asks_a_second: float


@asynccontextmanager
async def part(*words: str) -> AsyncIterator[str]:
    """A process of the topology; gives its first line, where it bound."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, *words, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        first = b""
        if "broker" in words:
            first = await asyncio.wait_for(process.stdout.readline(), 60)
        yield first.decode().strip().removeprefix("broker: ")
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@asynccontextmanager
async def ours(folder: Path, secured: bool, size: int) -> AsyncIterator[Entrant]:
    """Broker and agent; yields the caller that is to be started."""
    keys = folder / "keys"
    if secured:
        for name in ("broker", "conductor", "echo"):
            save(generate(name), keys)
    bind = (
        ("tcp://127.0.0.1:0",) * 2
        if secured
        else (f"ipc://{folder}/o/bus", f"ipc://{folder}/o/control")
    )
    given = str(keys) if secured else ""
    words = ("-m", "hekaton_runtime.cli.main", "broker", "--bus", bind[0], "--control", bind[1])
    async with (
        part(*words, *(("--keys", given) if secured else ())) as address,
        part(str(SCRIPTS / "hekaton_echo.py"), address, given, str(size)),
    ):
        yield Entrant(OURS, "hekaton_caller.py", sys.executable, (address, given))


@asynccontextmanager
async def bare(folder: Path, secured: bool, size: int) -> AsyncIterator[Entrant]:
    keys = ""
    if secured:
        keys = f"{folder}/pair.json"
        Path(keys).write_text(json.dumps(new_curve_pair()))
    script, bind = (
        str(SCRIPTS / "zmq_bare.py"),
        "tcp://127.0.0.1:*" if secured else f"ipc://{folder}/bare",
    )
    async with (
        part(script, "broker", bind, keys) as address,
        part(script, "agent", address, keys, str(size)),
    ):
        await asyncio.sleep(1)  # its hello is on its way
        yield Entrant(BARE, "zmq_bare.py", sys.executable, ("caller", address, keys))


async def measured(missions: Sequence[int], asks: int, blocks: int, size: int) -> list[Row]:
    rows = []
    for transport in ("ipc", "tcp CURVE"):
        folder = Path(tempfile.mkdtemp(prefix="hb-", dir="/tmp"))
        secured = transport != "ipc"
        try:
            async with AsyncExitStack() as stack:
                entrants = [
                    await stack.enter_async_context(ours(folder, secured, size)),
                    await stack.enter_async_context(bare(folder, secured, size)),
                ]
                those = await stack.enter_async_context(running(entrants))
                for many in missions:
                    rows += await _block(those, transport, many, max(2, asks // many), blocks, size)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return rows


async def _block(
    those: Sequence[Contestant], transport: str, missions: int, asks: int, blocks: int, size: int
) -> list[Row]:
    asked = {"missions": missions, "asks": asks, "bytes": size}
    await rounds(those, {**asked, "asks": 2}, 1)  # warm
    found = await rounds(those, asked, blocks)
    rows = []
    for name, made in found.items():
        seconds = [one for block in made for one in block["seconds"]]
        wall = sum(block["wall"] for block in made)
        rows.append(Row(name, transport, missions, spread(seconds), len(seconds) / wall))
    return rows


def table(rows: Sequence[Row], size: int) -> Table:
    cells = []
    for row in rows:
        beside = next(
            r
            for r in rows
            if (r.name, r.transport, r.missions) == (BARE, row.transport, row.missions)
        )
        cells.append(
            (
                f"{row.name}, {row.transport}, {row.missions} missions", f"{row.asks.many:,}", micros(row.asks.p50),
                micros(row.asks.p99), f"{row.asks_a_second:,.0f}", f"{FRAMES * row.asks_a_second:,.0f}",
                ratio(row.asks.p50, beside.asks.p50),
            )
        )  # fmt: skip
    heads = ("asks", "many", "p50 us", "p99 us", "asks/s", "broker messages/s", "p50 over bare")
    return Table(f"Ask and answer of {size:,} B each", heads, tuple(cells))


def figures(rows: Sequence[Row]) -> dict[str, object]:
    return {
        "asks": [
            {
                "name": row.name, "transport": row.transport, "missions": row.missions, "many": row.asks.many,
                "p50": row.asks.p50, "p99": row.asks.p99, "asks_a_second": row.asks_a_second,
            }
            for row in rows
        ]
    }  # fmt: skip


def main() -> int:
    words = options(__doc__ or "")
    words.add_argument("--missions", type=int, nargs="+", default=[1, 12, 50])
    words.add_argument("--asks", type=int, default=600, help="in a block, by all missions together")
    words.add_argument("--blocks", type=int, default=5)
    words.add_argument("--bytes", type=int, default=1000)
    given = words.parse_args()
    before = load()
    rows = asyncio.run(measured(given.missions, given.asks, given.blocks, given.bytes))
    what = (
        "An order and its answer over the bus, and the same number of bytes over bare pyzmq sockets. Caller, broker and"
        " agent are three processes in both; each mission asks one question after the other, all missions at once"
        " from one process. Ours checks every frame against its schema, keeps queues, deadlines and"
        " answered orders, and knows who each peer is; the bare broker passes frames on."
    )
    notes = ("A model call takes a hundred milliseconds and more: beside it either is small.",)
    report = Report("bus", "The bus", what, (table(rows, given.bytes),), notes, figures(rows))
    publish(report, machine(before), as_json=given.json, write=given.write)
    return 0


if __name__ == "__main__":
    sys.exit(main())
