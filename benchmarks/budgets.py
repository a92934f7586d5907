"""Random missions in every mode against the real ledger: is a cap ever exceeded, by how much is it missed.

    .venv/bin/python benchmarks/budgets.py

Strategies, engine, purse and ledger (Postgres) are the real ones; answers, prices, faults and the workspace
are drawn. Another connection looks at all accounts all the time, so a cap that is broken for a moment is seen.
"""

import asyncio
import random
import sys
from collections import Counter
from dataclasses import dataclass
from typing import Any

from figures.draws import World
from figures.report import Report, Table, load, machine, options, publish
from figures.server import make, server

from hekaton_runtime.conductor.engine import Engine, Known
from hekaton_runtime.ledger.accounts import Ledger
from hekaton_runtime.ledger.money import Amount
from hekaton_runtime.store.postgres import Database, connect
from hekaton_runtime.strategies.modes import MODES, concluded
from hekaton_runtime.strategies.values import Assignment, Rules, Team

BROKEN = (
    "select count(*) from hekaton.account where spent_tokens + reserved_tokens > cap_tokens"
    " or spent_micros + reserved_micros > cap_micros or overrun_tokens > 0 or overrun_micros > 0"
)
WRONG = """
select count(*) from (
    select a.path from hekaton.account a
    left join hekaton.call c on c.mission_id = a.mission_id and a.path = any(c.accounts)
    group by a.mission_id, a.path, a.spent_tokens, a.spent_micros, a.reserved_tokens
    having a.reserved_tokens <> 0 or a.spent_micros <> coalesce(sum(c.micros), 0)
    or a.spent_tokens <> coalesce(sum(case c.state when 'settled' then c.prompt_tokens + c.completion_tokens
                                                   when 'unknown' then c.reserved_tokens else 0 end), 0)) wrong
"""
"""Accounts of ended missions that are not the sum of their calls."""


@dataclass(frozen=True, slots=True)
class Row:
    mode: str
    outcome: str
    cap: int
    spent: int


async def one(database: Database, number: int, seed: int) -> Row:
    """A mission with a purse somewhere between nothing and plenty."""
    chance = random.Random(f"{seed}-{number}")
    mode, cap = list(MODES)[number % len(MODES)], int(10 ** chance.uniform(2.3, 4.3))
    mission = f"m-{number}"
    await database.fetch(
        "insert into hekaton.mission (id, name, mode, document, formation) values ($1, $1, $2, '{}', '{}')",
        mission, mode,
    )  # fmt: skip
    token = await database.value("select hekaton.take($1, 'bench', 3600, null)", mission)
    ledger = Ledger(database, mission, token)
    await ledger.cap("", Amount(cap, cap * 10))
    world = World(ledger, chance)
    rules = Rules(
        max_loops=chance.randrange(3), samples=3, grace=0.01,
        topology=chance.choice(("all-to-all", "ring", "star", "pairs", "pipeline")),
        arbiter=chance.choice(("ballot", "auditor", "evidence")),
    )  # fmt: skip
    given = Assignment("g", ("make test",), 60.0, Team(world.seats), rules)
    ended = await Engine(Known(()), world).run(concluded(mode, given))
    await ledger.forfeit()
    left = await ledger.left()
    return Row(mode, ended.outcome, cap, cap - left.tokens)


async def watched(database: Database, ended: asyncio.Event) -> tuple[int, int]:
    """Looks, and how many of them saw a broken cap."""
    looks = seen = 0
    while not ended.is_set():
        seen += await database.value(BROKEN) > 0
        looks += 1
        await asyncio.sleep(0.05)
    return looks, seen


async def run(missions: int, seed: int) -> Report:
    with server() as place:
        await make(place, "budgets")
        async with (
            connect(place.database("budgets")) as database,
            connect(place.database("budgets")) as other,
        ):
            ended = asyncio.Event()
            looking = asyncio.create_task(watched(other, ended))
            rows: list[Row] = []
            for first in range(0, missions, 8):
                numbers = range(first, min(first + 8, missions))
                rows += await asyncio.gather(*(one(database, n, seed) for n in numbers))
            ended.set()
            looks, seen = await looking
            wrong, broken = await database.value(WRONG), await database.value(BROKEN)
            calls = await database.value("select count(*) from hekaton.call")
    return report(
        rows, {"looks": looks, "seen": seen, "wrong": wrong, "broken": broken, "calls": calls}
    )


def report(rows: list[Row], found: dict[str, Any]) -> Report:
    lines = []
    for mode in MODES:
        mine = [row for row in rows if row.mode == mode]
        ends = Counter(row.outcome for row in mine)
        cap, spent = sum(row.cap for row in mine), sum(row.spent for row in mine)
        over = sum(row.spent > row.cap for row in mine)
        lines.append(
            (
                mode,
                str(len(mine)),
                *(str(ends[name]) for name in ("passed", "failed", "stopped")),
                str(over),
                f"{cap:,}",
                f"{spent:,}",
                f"{100 * (cap - spent) / max(1, cap):.1f} %",
            )  # fmt: skip
        )
    columns = (
        "mode",
        "missions",
        "passed",
        "failed",
        "stopped",
        "over the cap",
        "caps",
        "spent",
        "unspent",
    )
    notes = (
        f"{found['calls']:,} calls. {found['looks']:,} looks while they ran saw a cap broken {found['seen']} times;"
        f" afterwards {found['broken']} accounts are over their cap, {found['wrong']} are not the sum of their calls.",
        "A mission that is refused a call stops or goes on without it: what is unspent is told in its SITREP.",
    )
    what = (
        "Missions with drawn plans, answers, usage, faults and caps from 200 to 20,000 tokens; nothing but"
        " the ledger decides what may be spent. SIMULATED: outcomes say nothing about modes."
    )
    table = Table("SIMULATED: random missions under a cap", columns, tuple(lines))
    return Report("budgets-simulated", "Budgets of random missions", what, (table,), notes, found)


def main() -> int:
    words = options(__doc__ or "")
    words.add_argument("--missions", type=int, default=1000)
    given = words.parse_args()
    before = load()
    made = asyncio.run(run(given.missions, given.seed))
    publish(made, machine(before), as_json=given.json, write=given.write)
    return 1 if made.figures["seen"] or made.figures["broken"] or made.figures["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
