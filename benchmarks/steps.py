"""What one durable step costs: ours beside LangGraph's Postgres checkpointer, DBOS and a bare INSERT.

    make bench-peers && .venv/bin/python benchmarks/steps.py

All run in processes of their own against one server, a database each, in blocks that take turns. A
step of ours is what a model call costs the database: reserve with its intent, settle with its result.
Without the peers' environment ours and the bare INSERT are measured alone.
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg
from figures.contest import Contestant, Entrant, peers, rounds, running
from figures.quantiles import Spread, micros, ms, quantile, ratio, spread
from figures.report import Report, Table, load, machine, options, publish
from figures.server import Server, durability, make, server, size

OURS, JOURNAL, FLOOR = "hekaton call", "hekaton journal", "bare INSERT + commit"
PEERS = ("LangGraph sync", "LangGraph async", "DBOS")
THIRD = 1 / 3
ASYNC = (
    "LangGraph async writes a step's checkpoint while later steps run and waits for all of them at the end of a block:"
    " its mean counts, its p50 is no durable step."
)


@dataclass(frozen=True, slots=True)
class Row:
    """One contestant at one size."""

    name: str
    size: int
    steps: Spread
    bytes_a_step: float


@dataclass(frozen=True, slots=True)
class Growth:
    """Ours over many steps: medians of the first and the last tenth."""

    steps: int
    first: float
    last: float
    bytes_a_step: float
    pruned: "Pruned"


@dataclass(frozen=True, slots=True)
class Pruned:
    """What `hekaton prune` took from the ended mission."""

    entries: int
    bytes: int
    seconds: float


def entrants(place: Server, name: str, peer: str, size: int) -> list[tuple[str, Entrant]]:
    """Each with the name of its database."""
    own = [
        (OURS, "hekaton_steps.py", ("call",)),
        (JOURNAL, "hekaton_steps.py", ("journal",)),
        (FLOOR, "insert_steps.py", ()),
    ]
    others = [
        (PEERS[0], "langgraph_steps.py", ("sync",)),
        (PEERS[1], "langgraph_steps.py", ("async",)),
        (PEERS[2], "dbos_steps.py", ()),
    ]
    found = []
    for number, (who, script, words) in enumerate([*own, *(others if peer else [])]):
        database = f"{name}_{size}_{number}"
        python = sys.executable if number < len(own) else peer
        found.append((database, Entrant(who, script, python, (place.database(database), *words))))
    return found


async def measured(
    place: Server, sizes: Sequence[int], blocks: int, steps: int, peer: str
) -> list[Row]:
    rows = []
    for number in sizes:
        listed = entrants(place, "steps", peer, number)
        await make(place, *(database for database, _ in listed))
        async with running([entrant for _, entrant in listed]) as those:
            await rounds(those, {"steps": 10, "bytes": number}, 1)  # warm
            before = [await size(place, database) for database, _ in listed]
            found = await rounds(those, {"steps": steps, "bytes": number}, blocks)
            after = [await size(place, database) for database, _ in listed]
        for (_, entrant), small, large in zip(listed, before, after, strict=True):
            seconds = [one for block in found[entrant.name] for one in block["seconds"]]
            rows.append(Row(entrant.name, number, spread(seconds), (large - small) / len(seconds)))
    return rows


async def grown(place: Server, steps: int, size_of_one: int) -> Growth:
    """One mission of ours for so many steps."""
    database = f"growth_{size_of_one}"
    await make(place, database)
    entrant = Entrant(OURS, "hekaton_steps.py", sys.executable, (place.database(database), "call"))
    async with running([entrant]) as (one,):
        await one.block({"steps": 10, "bytes": size_of_one})
        before = await size(place, database)
        seconds = await _in_blocks(one, steps, size_of_one)
        after = await size(place, database)
    tenth = max(1, steps // 10)
    return Growth(
        steps, quantile(seconds[:tenth], 0.5), quantile(seconds[-tenth:], 0.5), (after - before) / steps,
        await pruned(place.database(database)),
    )  # fmt: skip


async def pruned(database: str) -> Pruned:
    """End the mission and delete its journal."""
    link = await asyncpg.connect(database)
    try:
        await link.execute(
            "update hekaton.mission set state = 'passed', ended_at = clock_timestamp()"
        )
        row = await link.fetchrow("select id, entries, bytes from hekaton.prunable")
        assert row is not None
        began = time.perf_counter()
        entries = await link.fetchval("select hekaton.prune($1)", row["id"])
        return Pruned(entries, row["bytes"], time.perf_counter() - began)
    finally:
        await link.close()


async def _in_blocks(one: Contestant, steps: int, size_of_one: int) -> list[float]:
    seconds: list[float] = []
    while len(seconds) < steps:
        asked = {"steps": min(1000, steps - len(seconds)), "bytes": size_of_one}
        seconds += (await one.block(asked))["seconds"]
    return seconds


def table(rows: Sequence[Row]) -> Table:
    ours = {row.size: row.steps for row in rows if row.name == OURS}
    cells = [
        (
            f"{row.name}, {row.size:,} B", f"{row.steps.many:,}", ms(row.steps.mean), ms(row.steps.p50), ms(row.steps.p99),
            f"{row.bytes_a_step:,.0f}", ratio(ours[row.size].mean, row.steps.mean),
            ratio(ours[row.size].p50, row.steps.p50), ratio(ours[row.size].p99, row.steps.p99),
        )
        for row in rows
    ]  # fmt: skip
    heads = (
        "step", "steps", "mean ms", "p50 ms", "p99 ms", "bytes a step", "ours/this mean", "ours/this p50", "ours/this p99",
    )  # fmt: skip
    return Table("One durable step", heads, tuple(cells))


def growth_table(grown: Growth) -> Table:
    row = (
        f"{grown.steps:,}", ms(grown.first), ms(grown.last), ratio(grown.last, grown.first), f"{grown.bytes_a_step:,.0f}",
    )  # fmt: skip
    heads = (
        "steps of one mission",
        "first tenth p50 ms",
        "last tenth p50 ms",
        "last/first",
        "bytes a step",
    )
    return Table("Growth (hekaton call, 2,000 B)", heads, (row,))


def pruning_table(gone: Pruned) -> Table:
    row = (f"{gone.entries:,}", f"{gone.bytes / 2**20:.1f}", ms(gone.seconds), micros(gone.seconds / gone.entries))  # fmt: skip
    heads = ("journal entries of one mission", "MiB", "deleted in ms", "microseconds an entry")
    return Table("Pruning that mission", heads, (row,))


def verdicts(rows: Sequence[Row]) -> tuple[str, ...]:
    """Where a call's step is at most a third of each peer's, and how far it is from the floor."""
    ours = {row.size: row.steps for row in rows if row.name == OURS}
    said = []
    for row in rows:
        if row.name in PEERS:
            shares = (ours[row.size].mean / row.steps.mean, ours[row.size].p50 / row.steps.p50)
            share = shares[0] if row.name == PEERS[1] else shares[1]
            word = "holds" if share <= THIRD else "does not hold"
            said.append(
                f"At most 1/3 of {row.name} at {row.size:,} B: {word} (mean {shares[0]:.2f}, p50 {shares[1]:.2f},"
                f" p99 {ours[row.size].p99 / row.steps.p99:.2f})."
            )
        if row.name == FLOOR:
            more = ours[row.size].p50 - 2 * row.steps.p50
            said.append(
                f"At {row.size:,} B our two commits take {ours[row.size].p50 / row.steps.p50:.1f} times one bare INSERT"
                f" and its commit; over two of them our step costs {micros(more)} microseconds."
            )
    return (*said, *bounds(rows))


def bounds(rows: Sequence[Row]) -> tuple[str, ...]:
    """What a third of the nearest peer leaves for all that is more than two bare commits."""
    p50 = {(row.name, row.size): row.steps.p50 for row in rows}
    said = []
    for size_of_one in sorted({row.size for row in rows if row.name == PEERS[0]}):
        third = p50[PEERS[0], size_of_one] * THIRD
        bare, ours = 2 * p50[FLOOR, size_of_one], p50[OURS, size_of_one]
        said.append(
            f"A third of {PEERS[0]}'s p50 at {size_of_one:,} B is {ms(third)} ms. Two bare commits alone take {ms(bare)} ms,"
            f" so {micros(third - bare)} microseconds are left for what they do for us: the fence, the call and its accounts,"
            f" twice, which take {micros(ours - bare)}."
        )
    return tuple(said)


def figures(rows: Sequence[Row], grown: Growth) -> dict[str, object]:
    return {
        "steps": [
            {
                "name": row.name, "bytes": row.size, "many": row.steps.many, "mean": row.steps.mean, "p50": row.steps.p50, "p99": row.steps.p99,
                "bytes_a_step": row.bytes_a_step,
            }
            for row in rows
        ],
        "growth": {"steps": grown.steps, "first": grown.first, "last": grown.last, "bytes_a_step": grown.bytes_a_step},
        "pruning": {"entries": grown.pruned.entries, "bytes": grown.pruned.bytes, "seconds": grown.pruned.seconds},
    }  # fmt: skip


async def run(sizes: Sequence[int], blocks: int, steps: int, many: int, peer: str) -> Report:
    with server() as place:
        rows = await measured(place, sizes, blocks, steps, peer)
        growth = await grown(place, many, 2000)
        durable = await durability(place)
    what = (
        "Time until a step is on the disk, as its caller waits for it. `hekaton call` is both halves of a model call"
        " (two commits, with the ledger's accounts); `hekaton journal` is an effect that is no call (one). Each in a"
        f" process and a database of its own on one server, {blocks} blocks of {steps} steps in turn. {durable}."
    )
    notes = (
        *verdicts(rows),
        "LangGraph and DBOS keep no ledger: a step of theirs records its result alone.",
        ASYNC,
    )
    return Report(
        "steps",
        "A durable step",
        what,
        (table(rows), growth_table(growth), pruning_table(growth.pruned)),
        notes,
        figures(rows, growth),
    )


def main() -> int:
    words = options(__doc__ or "")
    words.add_argument("--sizes", type=int, nargs="+", default=[100, 2000, 20000], help="bytes")
    words.add_argument("--blocks", type=int, default=10)
    words.add_argument("--steps", type=int, default=60, help="in a block")
    words.add_argument("--growth", type=int, default=10_000, help="steps of one mission")
    words.add_argument("--alone", action="store_true", help="without the peers")
    given = words.parse_args()
    before = load()
    report = asyncio.run(
        run(given.sizes, given.blocks, given.steps, given.growth, "" if given.alone else peers())
    )
    publish(report, machine(before), as_json=given.json, write=given.write)
    return 0


if __name__ == "__main__":
    sys.exit(main())
