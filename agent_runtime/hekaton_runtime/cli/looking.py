"""`missions`, `show` and `kill`: look at missions, and stop one."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict

from rich.table import Table

from hekaton_runtime.cli.terminal import clean, console
from hekaton_runtime.conductor.accounting import by_model, by_role
from hekaton_runtime.conductor.halting import halt_unattended
from hekaton_runtime.conductor.records import Status, find, listed, status
from hekaton_runtime.conductor.work import folder
from hekaton_runtime.errors import BadInput
from hekaton_runtime.report.values import CostLine
from hekaton_runtime.settings import from_environ
from hekaton_runtime.store.open import open_database
from hekaton_runtime.store.postgres import Database

LEFT = ("MISSION", "MODE", "MODELS", "STATE", "PHASE")
RIGHT = ("TASKS", "SCORE", "TOKENS", "COST", "AGE")
HALTING = 10.0  # seconds that `kill` waits for the conductor to obey


def list_missions(limit: int, *, as_json: bool) -> int:
    async def look(database: Database) -> int:
        rows = await listed(database, limit)
        if as_json:
            for row in rows:
                print(json.dumps(asdict(row)))
            return 0
        if not rows:
            print(
                "No missions yet. Start one: hekaton run manifests/missions/duration-library.yaml --simulate"
            )
            return 0
        table = Table(box=None, pad_edge=False)
        for name in LEFT + RIGHT:
            table.add_column(name, justify="right" if name in RIGHT else "left", no_wrap=True)
        for row in rows:
            table.add_row(*_cells(row))
        console().print(table)
        return 0

    return _with_database(look)


def show_mission(mission: str, *, as_json: bool) -> int:
    async def look(database: Database) -> int:
        record = await find(database, mission)
        row = await status(database, record.id)
        models, roles = await by_model(database, record.id), await by_role(database, record.id)
        papers = folder(record)
        if as_json:
            costs = {
                "models": [asdict(one) for one in models],
                "roles": [asdict(one) for one in roles],
            }
            print(json.dumps({**asdict(row), **costs, "folder": str(papers)}))
            return 0
        board = console()
        board.print(
            f"{row.id}  {_state(row)}{'  SIMULATED' if row.simulated else ''}",
            style="bold",
            markup=False,
        )
        board.print(clean(record.mission.spec.goal.strip()), style="dim", markup=False)
        board.print(_facts(row, str(papers)))
        board.print(_costs("MODEL", models))
        board.print(_costs("ROLE", roles))
        return 0

    return _with_database(look)


def kill_mission(mission: str, reason: str) -> int:
    async def stop(database: Database) -> int:
        record = await find(database, mission)
        row = await status(database, record.id)
        if not await database.value("select hekaton.ask_halt($1, $2)", record.id, reason):
            raise BadInput([f"mission {record.id!r} is not running; it is {_state(row)}."])
        if not row.owned:
            with suppress(BadInput):  # somebody has just begun to conduct it, and will obey
                await halt_unattended(database, record.id, reason)
        until = time.monotonic() + HALTING
        while (row := await status(database, record.id)).state == "running":
            if time.monotonic() > until:
                print(
                    f"{record.id}: asked to stop; its conductor has not obeyed within {HALTING:g} s."
                )
                return 1
            await asyncio.sleep(0.05)
        print(f"{record.id}: {_state(row)}")
        return 0

    return _with_database(stop)


def _with_database(look: Callable[[Database], Awaitable[int]]) -> int:
    async def open_and_look() -> int:
        async with open_database(from_environ()) as database:
            return await look(database)

    return asyncio.run(open_and_look())


def _state(row: Status) -> str:
    if row.state == "running" and not row.owned:
        return f"interrupted; go on with `hekaton resume {row.id}`"
    return clean(f"{row.state}: {row.reason}") if row.reason else row.state


def _cells(row: Status) -> tuple[str, ...]:
    state = "interrupted" if row.state == "running" and not row.owned else row.state
    return (
        row.id,
        row.mode,
        "SIMULATED" if row.simulated else "real",
        state + (f" ({row.stop_kind})" if row.stop_kind else ""),
        row.phase,
        f"{row.tasks_done}/{row.tasks_total}",
        "" if row.score is None else f"{row.score:.1f}",
        f"{row.spent_tokens:,}",
        f"${row.spent_micros / 1e6:.4f}",
        _age(time.time() - row.created),
    )


def _age(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size:
            return f"{int(seconds // size)}{unit}"
    return f"{max(0, int(seconds))}s"


def _facts(row: Status, papers: str) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_row("mode", row.mode)
    table.add_row("phase", f"{row.phase} {row.detail}".strip())
    table.add_row(
        "tasks", f"{row.tasks_done}/{row.tasks_total}, wave {row.wave}, debate round {row.round}"
    )
    table.add_row(
        "tokens",
        f"{row.spent_tokens:,} spent, {row.reserved_tokens:,} reserved, cap {row.cap_tokens:,}",
    )
    table.add_row(
        "cost",
        f"${row.spent_micros / 1e6:.6f} spent, ${row.reserved_micros / 1e6:.6f} reserved, cap ${row.cap_micros / 1e6:.2f}",
    )
    table.add_row("papers", papers)
    return table


def _costs(title: str, lines: tuple[CostLine, ...]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in (title, "CALLS", "TOKENS IN", "TOKENS OUT", "COST", "UNKNOWN"):
        table.add_column(name, justify="left" if name == title else "right")
    for one in lines:
        table.add_row(
            one.name, str(one.calls), f"{one.tokens_in:,}", f"{one.tokens_out:,}", f"${one.micros / 1e6:.6f}",
            str(one.unknown_calls),
        )  # fmt: skip
    return table
