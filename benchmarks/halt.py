"""How long a kill takes: from its request until nothing of the mission moves any more.

    .venv/bin/python benchmarks/halt.py --kills 200

A mission is worked by a process of its own and killed at a random moment of its life, by the statement
that `hekaton kill` sends. Then are awaited: no command of it as a process, no call at the model
server, no open call in the ledger; and journal and ledger are watched until the conductor is done:
the last movement there counts, whatever it was.
"""

import asyncio
import os
import random
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
from figures.contest import Contestant, Entrant, running
from figures.quantiles import ms, spread
from figures.report import ROOT, Report, Table, load, machine, options, publish
from figures.server import Server, make, server
from starlette.types import ASGIApp, Receive, Scope, Send

from hekaton_runtime.models.simulated.app import simulated_app
from hekaton_runtime.models.simulated.book_yaml import load as book_of
from hekaton_runtime.models.simulated.server import serve
from hekaton_runtime.models.simulated.settings import SimulatedModel, SimulatedSettings

FILE = ROOT / "manifests" / "missions" / "duration-library.yaml"
TARGET = 0.25  # seconds, p99
LOOK = 0.003  # seconds between two looks
LONGEST = 60.0  # seconds after which a kill counts as not obeyed
TELL = 5.0  # seconds between two lines that say how far it is
OPEN = (
    "select (select count(*) from hekaton.call where mission_id = $1 and state = 'open')"
    " + (select count(*) from hekaton.mission where id = $1 and state = 'running'"
    " and not exists (select from hekaton.journal where mission_id = $1 and path like '!halt-%'))"
)
MOVES = (
    "select md5(coalesce(string_agg(t.row, '' order by t.row), '')) from"
    " (select j::text as row from hekaton.journal j where mission_id = $1 union all"
    " select c::text from hekaton.call c where mission_id = $1 union all"
    " select a::text from hekaton.account a where mission_id = $1) t"
)
PHASE = "select phase from hekaton.mission where id = $1"


@dataclass(frozen=True, slots=True)
class Kill:
    """One kill; seconds from its request."""

    phase: str
    commands: float
    """Until no command of the mission lived."""
    calls: float
    """Until no call was at the model server, for good."""
    closed: float
    """Until no call was open in the ledger and the halt was journaled."""
    still: float
    """Until journal and ledger had moved for the last time."""
    conductor: float
    """Until the conductor was done, SITREP and artifact included."""

    @property
    def quiet(self) -> float:
        return max(self.commands, self.calls, self.closed, self.still)

    @property
    def moved(self) -> bool:
        """Whether journal or ledger changed after the halt was journaled."""
        return self.still > self.closed


class Since:
    """The moment since which something rests, seconds from the kill; None while it does not."""

    def __init__(self) -> None:
        self.at: float | None = None

    def look(self, busy: bool, now: float) -> None:
        if busy:
            self.at = None
        elif self.at is None:
            self.at = now

    @property
    def seconds(self) -> float:
        assert self.at is not None
        return self.at


class Counted:
    """The model server, and how many requests it has in hand."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.under_way += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self.under_way -= 1


def children(pid: int) -> bool:
    """Whether a process has any, by the kernel's own list."""
    found = ""
    for thread in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += thread.read_text()
        except OSError:
            continue
    return bool(found.strip())


@dataclass(frozen=True, slots=True)
class Scene:
    """Where a mission is killed, and what is looked at."""

    one: Contestant
    link: Any
    models: Counted


async def killed(scene: Scene, name: str, wait: float) -> Kill | None:
    """Run a mission, kill it after so long; None when it had ended before."""
    link = scene.link
    working = asyncio.create_task(scene.one.block({"mission": name}))
    started = "select count(*) from hekaton.mission where id = $1 and state = 'running'"
    while not working.done() and not await link.fetchval(started, name):
        await asyncio.sleep(0.01)
    await asyncio.sleep(wait)
    phase = await link.fetchval(PHASE, name)
    began = time.monotonic()
    if not await link.fetchval("select hekaton.ask_halt($1, 'killed by the benchmark')", name):
        await working
        return None
    commands, calls, closed = await stopped(scene, name, began)
    still = await settled(scene, name, began, calls, working)
    ended = await working
    if ended["kind"] != "killed":  # it passed in the very moment
        return None
    return Kill(
        phase or "starting", commands.seconds, calls.seconds, closed.seconds,
        max(still, closed.seconds), ended["ended"] - began,
    )  # fmt: skip


async def stopped(scene: Scene, name: str, began: float) -> tuple[Since, Since, Since]:
    """Until commands, calls and books rest at the same time: since when each of them does."""
    commands, calls, closed = Since(), Since(), Since()
    while time.monotonic() - began < LONGEST:
        commands.look(children(scene.one.pid), time.monotonic() - began)
        calls.look(scene.models.under_way > 0, time.monotonic() - began)
        closed.look(bool(await scene.link.fetchval(OPEN, name)), time.monotonic() - began)
        if None not in (commands.at, calls.at, closed.at):
            return commands, calls, closed
        await asyncio.sleep(LOOK)
    raise RuntimeError(f"not at rest within {LONGEST:.0f} s of the kill")


async def settled(
    scene: Scene, name: str, began: float, calls: Since, working: "asyncio.Task[Any]"
) -> float:
    """Watch until the conductor is done; when journal or ledger last moved, 0 if never."""
    still, before, ended = 0.0, await scene.link.fetchval(MOVES, name), False
    while not ended:
        ended = working.done()  # asked first: one look more follows the end
        await asyncio.sleep(0 if ended else LOOK)
        now = await scene.link.fetchval(MOVES, name)
        if now != before:
            still, before = time.monotonic() - began, now
        calls.look(scene.models.under_way > 0, time.monotonic() - began)
    return still


@asynccontextmanager
async def model_server(latency: float) -> AsyncIterator[tuple[Counted, str]]:
    names = ("sim-strong", "sim-fast")
    models = tuple(SimulatedModel(name, 1.0, latency, 0.0005) for name in names)
    book = book_of(FILE.with_suffix(".book.yaml").read_text())
    counted = Counted(simulated_app(SimulatedSettings(models, book)))
    async with serve(counted) as url:
        yield counted, f"{url}/v1"


async def measured(place: Server, kills: int, seed: int, latency: float) -> list[Kill]:
    await make(place, "halt")
    link = await asyncpg.connect(place.database("halt"))
    try:
        async with model_server(latency) as (models, url):
            words = (str(FILE), place.database("halt"), url, str(place.home))
            entrant = Entrant("missions", "hekaton_missions.py", sys.executable, words)
            async with running([entrant]) as (one,):
                return await all_killed(Scene(one, link, models), kills, random.Random(seed))
    finally:
        await link.close()


async def all_killed(scene: Scene, kills: int, chance: random.Random) -> list[Kill]:
    """One mission after the other; a line to standard error now and then says how far it is."""
    found, began = list[Kill](), time.monotonic()
    told = began
    await life(scene, "warm")
    whole = await life(scene, "whole")
    for number in range(3 * kills):
        if len(found) == kills:
            break
        started = time.monotonic()
        if kill := await killed(scene, f"halt-{number}", chance.uniform(0, whole)):
            found.append(kill)
        else:
            whole = time.monotonic() - started  # it had ended: so long do missions live by now
        if time.monotonic() - told > TELL:
            told = time.monotonic()
            took = f"{told - began:.0f} s, {number + 1 - len(found)} had ended before"
            print(f"{len(found)} of {kills} kills, {took}", file=sys.stderr, flush=True)
    return found


async def life(scene: Scene, name: str) -> float:
    """Seconds of a mission that nobody kills."""
    began = time.monotonic()
    await scene.one.block({"mission": name})
    return time.monotonic() - began


def table(kills: Sequence[Kill]) -> Table:
    columns = (
        ("nothing moves any more", [kill.quiet for kill in kills]),
        ("no command lives", [kill.commands for kill in kills]),
        ("no call at the model server", [kill.calls for kill in kills]),
        ("no call open in the ledger, halt journaled", [kill.closed for kill in kills]),
        ("journal and ledger moved for the last time", [kill.still for kill in kills]),
        ("conductor done, with SITREP and artifact", [kill.conductor for kill in kills]),
    )
    rows = []
    for name, seconds in columns:
        one = spread(seconds)
        rows.append((name, f"{one.many}", ms(one.p50), ms(one.p90), ms(one.p99), ms(one.most)))
    heads = ("until", "kills", "p50 ms", "p90 ms", "p99 ms", "most ms")
    return Table("From the request of a kill (SIMULATED models)", heads, tuple(rows))


def notes(kills: Sequence[Kill]) -> tuple[str, ...]:
    quiet = spread([kill.quiet for kill in kills])
    word = "holds" if quiet.p99 <= TARGET else "does not hold"
    phases = [kill.phase for kill in kills]
    by_phase = ", ".join(f"{phases.count(phase)} {phase}" for phase in sorted(set(phases)))
    return (
        f"At most {TARGET * 1000:.0f} ms at p99 until nothing moves: {word} ({ms(quiet.p99)} ms).",
        "Nothing moves: no command, no call at the model server, and the last change of journal and ledger is over,"
        " as watched until the conductor was done.",
        f"Journal or ledger changed after the halt was journaled in {sum(kill.moved for kill in kills)} of"
        f" {len(kills)} missions; that change counts.",
        f"Killed in phase: {by_phase}.",
        "`hekaton kill` as a command takes the start of a Python process besides.",
    )


def main() -> int:
    words = options(__doc__ or "")
    words.add_argument("--kills", type=int, default=200)
    words.add_argument("--latency", type=float, default=0.1, help="of a model, seconds")
    given = words.parse_args()
    before = load()
    with server() as place:
        os.chmod(place.home, 0o755)
        kills = asyncio.run(measured(place, given.kills, given.seed, given.latency))
    what = (
        "Missions on SIMULATED models, without the auditor's tools, each killed at a random moment between its start and its usual end, by the"
        " statement that `hekaton kill` sends; seconds from just before that statement."
    )
    plain = [
        {"phase": k.phase, "quiet": k.quiet, "commands": k.commands, "calls": k.calls, "closed": k.closed, "still": k.still,
         "conductor": k.conductor, "moved": k.moved}
        for k in kills
    ]  # fmt: skip
    report = Report("halt", "Time to halt", what, (table(kills),), notes(kills), {"kills": plain})
    publish(report, machine(before), as_json=given.json, write=given.write)
    return 0


if __name__ == "__main__":
    sys.exit(main())
