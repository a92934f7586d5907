"""Endurance: missions through random faults of all kinds, each held to its promises at its end.

    make soak                                   # an hour; SOAK=600 make soak for ten minutes
    .venv/bin/python benchmarks/soak.py --seconds 60 --missions 3 --seed 7

Conductors, agents and the broker are killed (-9) and stopped, PostgreSQL is crashed, restarted and its
connections are cut, the model server hangs, refuses and talks nonsense. Every mission must end with
the artifact of an undisturbed run; no settled call may be repeated; the ledger must agree with the
model server's own bill; no cap may be exceeded. Models are SIMULATED. Exit code 1: a promise broke.
"""

import asyncio
import json
import os
import socket
import sys
import time
from contextlib import AsyncExitStack
from itertools import count

from figures.report import Report, load, machine, options, publish
from figures.server import Server, environ, make, server
from soaking.missions import mission
from soaking.place import Place, Postgres, working_in
from soaking.plans import Plan, drawn, quiet
from soaking.pods import Pod, pod
from soaking.tally import Tally, tables

from hekaton_runtime.cli.serving import stopping
from hekaton_runtime.store.postgres import connect

DATABASE = "soak"
ENOUGH = 10  # broken promises after which nothing new is to be learned
WHAT = (
    "Missions on SIMULATED models, one after the other, each through faults drawn from the seed: kill -9 and SIGSTOP of"
    " conductor, agents and broker, PostgreSQL crashed, restarted and cut off, a model server that hangs, refuses (429,"
    " 500), cuts streams and answers garbage. At its end each was held to its promises: the artifact of an undisturbed"
    " run, no settled call repeated, accounts equal to the sums of their calls and within their caps, ledger and server's"
    " bill in agreement, no process left behind."
)


async def soak(place: Place, seconds: float, least: int, seed: int) -> Tally:
    """For so long and for so many missions at least; three times as long at most. SIGTERM ends it early."""
    tally, began, stop = Tally(), time.monotonic(), stopping()
    async with pod(place) as team:
        undisturbed = Undisturbed(place, team)
        for number in count():
            spent = time.monotonic() - began
            over = (spent >= seconds and tally.missions >= least) or spent >= 3 * max(seconds, 60)
            if over or stop.is_set() or len(tally.broken) >= ENOUGH:
                break
            plan = drawn(number, seed)
            wanted = await undisturbed.tree(plan)
            found = await mission(plan, place, team, tally)
            if found != wanted:
                tally.broken.append(
                    f"mission {number} ({plan.mission}): tree {found!r} instead of {wanted!r}"
                )
            said = {
                "mission": number,
                "seconds": round(time.monotonic() - began),
                "broken": tally.broken,
            }
            print(json.dumps(said), file=sys.stderr, flush=True)
        tally.seconds = time.monotonic() - began
    if left := working_in(place.home / "missions"):
        tally.broken.append(f"processes left behind: {left}")
    return tally


class Undisturbed:
    """The tree that each mission ends with when it is left alone, found out once."""

    def __init__(self, place: Place, team: Pod) -> None:
        self._place = place
        self._team = team
        self._trees: dict[tuple[str, bool], str] = {}

    async def tree(self, plan: Plan) -> str:
        key, calm = (plan.mission, plan.apart), Tally()
        if key not in self._trees:
            self._trees[key] = await mission(quiet(0, *key), self._place, self._team, calm)
        if calm.broken:
            raise SystemExit(
                "\n".join(["Even an undisturbed mission broke a promise:", *calm.broken])
            )
        return self._trees[key]


async def run(where: Server, seconds: float, least: int, seed: int) -> Tally:
    await make(where, DATABASE)
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(connect(where.database(DATABASE)))
        place = Place(
            where.home, database, Postgres(where.home / "postgres"), environ(where, DATABASE, os.environ["PATH"]),
            _free_port(),
        )  # fmt: skip
        return await soak(place, seconds, least, seed)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number


def main() -> int:
    words = options(__doc__ or "")
    words.add_argument("--seconds", type=float, default=3600.0)
    words.add_argument("--missions", type=int, default=50, help="at least")
    given = words.parse_args()
    before = load()
    with server() as where:
        tally = asyncio.run(run(where, given.seconds, given.missions, given.seed))
    notes = tuple(f"BROKEN {said}" for said in tally.broken) or (
        "No promise broke. It shows that the machinery survives; it says nothing about any model.",
    )
    title = "Soak: missions through random faults (SIMULATED models)"
    report = Report("soak-hour", title, WHAT, tables(tally), notes, tally.figures())
    publish(report, machine(before), as_json=given.json, write=given.write)
    return 1 if tally.broken else 0


if __name__ == "__main__":
    sys.exit(main())
