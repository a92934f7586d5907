"""What everything but the model costs, per call: ours beside LangGraph with its checkpointer and pydantic-ai.

    make bench-peers && .venv/bin/python benchmarks/overhead.py

All ask the same model, a process that answers at once, in blocks that take turns. The model alone, over a
bare connection, is taken off. Without the peers' environment ours is measured alone.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from figures.contest import SCRIPTS, Entrant, peers, rounds, running
from figures.quantiles import Spread, ms, quantile, ratio, spread
from figures.report import Report, Table, load, machine, options, publish
from figures.server import Server, durability, make, server

OURS, FLOOR = "hekaton", "the model alone"
TARGET, AT = 0.005, 20  # seconds, at so many at once
WHAT = (
    "Tasks at once that each ask the model again and again; the model is a process that answers immediately"
    " (SIMULATED). `a call` is a block's wall time over its calls less that of the model alone: what the"
    " machine needs for one call more, p50 of the blocks. `answer after` is what one caller waits while the others"
    " wait too. CPU is the contestant's own process; databases and the model have theirs."
)


@dataclass(frozen=True, slots=True)
class Row:
    """One contestant at one number of tasks at once."""

    name: str
    at_once: int
    a_call: float
    """Seconds of wall time a call, median of the blocks, the model's included."""
    cpu: float
    answer: Spread


@asynccontextmanager
async def instant() -> AsyncIterator[str]:
    """The model's URL."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(SCRIPTS / "instant.py"), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield (await asyncio.wait_for(process.stdout.readline(), 60)).decode().strip()
    finally:
        process.kill()
        await process.wait()


def entrants(place: Server, url: str, peer: str) -> list[Entrant]:
    found = [
        Entrant(OURS, "hekaton_loop.py", sys.executable, (url, place.database("ours"))),
        Entrant(FLOOR, "floor_loop.py", sys.executable, (url,)),
    ]
    if peer:
        found += [
            Entrant(
                "LangGraph sync", "langgraph_loop.py", peer, (url, place.database("langgraph"))
            ),
            Entrant("pydantic-ai", "pydantic_loop.py", peer, (url,)),
        ]
    return found


async def measured(
    place: Server, many: Sequence[int], calls: int, blocks: int, peer: str
) -> list[Row]:
    await make(place, "ours", "langgraph")
    rows = []
    async with instant() as url, running(entrants(place, url, peer)) as those:
        for at_once in many:
            asked = {"at_once": at_once, "calls": max(1, calls // at_once)}
            await rounds(those, {**asked, "calls": 1}, 1)  # warm
            found = await rounds(those, asked, blocks)
            for name, made in found.items():
                each = asked["at_once"] * asked["calls"]
                rows.append(
                    Row(
                        name, at_once, quantile([block["wall"] / each for block in made], 0.5),
                        quantile([block["cpu"] / each for block in made], 0.5),
                        spread([one for block in made for one in block["seconds"]]),
                    )
                )  # fmt: skip
    return rows


def over(row: Row, rows: Sequence[Row]) -> float:
    """Seconds a call beyond the model alone."""
    floor = next(one for one in rows if (one.name, one.at_once) == (FLOOR, row.at_once))
    return max(0.0, row.a_call - floor.a_call)


def table(rows: Sequence[Row]) -> Table:
    ours = {row.at_once: over(row, rows) for row in rows if row.name == OURS}
    cells = [
        (
            f"{row.name}, {row.at_once} at once", f"{row.answer.many:,}", ms(over(row, rows)), ms(row.cpu),
            ms(row.answer.p50), ms(row.answer.p99), ratio(ours[row.at_once], over(row, rows)),
        )
        for row in rows
    ]  # fmt: skip
    heads = (
        "overhead",
        "calls",
        "a call ms",
        "CPU ms",
        "answer after p50 ms",
        "p99 ms",
        "ours/this",
    )
    return Table("Everything but the model", heads, tuple(cells))


def verdict(rows: Sequence[Row]) -> tuple[str, ...]:
    said = []
    for row in rows:
        if (row.name, row.at_once) == (OURS, AT):
            cost = over(row, rows)
            word = "holds" if cost <= TARGET else "does not hold"
            said.append(
                f"At most {TARGET * 1000:.0f} ms a call at {AT} at once: {word} ({ms(cost)} ms of wall time,"
                f" {ms(row.cpu)} ms of CPU)."
            )
    return (
        *said,
        "Only ours reserves before it asks and settles afterwards; LangGraph records the state, pydantic-ai nothing.",
        "Ours passes every question over the bus to an agent; in the others the caller asks by itself.",
    )


def main() -> int:
    words = options(__doc__ or "")
    words.add_argument("--at-once", type=int, nargs="+", default=[1, 20, 100])
    words.add_argument("--calls", type=int, default=400, help="in a block, all tasks together")
    words.add_argument("--blocks", type=int, default=5)
    words.add_argument("--alone", action="store_true", help="without the peers")
    given = words.parse_args()
    before = load()

    async def run(place: Server) -> tuple[list[Row], str]:
        rows = await measured(
            place, given.at_once, given.calls, given.blocks, "" if given.alone else peers()
        )
        return rows, await durability(place)

    with server() as place:
        rows, durable = asyncio.run(run(place))
    plain = [
        {
            "name": row.name, "at_once": row.at_once, "a_call": over(row, rows), "cpu": row.cpu,
            "p50": row.answer.p50, "p99": row.answer.p99,
        }
        for row in rows
    ]  # fmt: skip
    title = "Overhead of a call (SIMULATED model)"
    report = Report(
        "overhead", title, f"{WHAT} {durable}.", (table(rows),), verdict(rows), {"calls": plain}
    )
    publish(report, machine(before), as_json=given.json, write=given.write)
    return 0


if __name__ == "__main__":
    sys.exit(main())
