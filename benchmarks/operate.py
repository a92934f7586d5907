"""What the operator can carry: bursts, pace, writes, idleness, memory, starts and hand-overs.

    make bench-operator                        # a few minutes
    PYTHONPATH=e2e .venv/bin/python benchmarks/operate.py --curve 500 2000 5000 10000 --pace 30 --write

A real API server with etcd, controllers and scheduler on this machine; kwok plays nodes and pods, and
rows in PostgreSQL play conductors. Everything is counted from the API server's audit log.
"""

import asyncio
import signal
import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cluster.use import Cluster
from figures.report import Report, load, machine, options, publish
from figures.server import Server, server
from scaling import replica
from scaling.audit import Audit, admissions
from scaling.plane import held, plane, restart_api
from scaling.rows import lives, migrate
from scaling.tables import BARE, BUSY, HELD, Measured, notes, tables
from scaling.traffic import Users, users

TEAM = "team"
PLACES = 1000
"""Missions at once that one replica of the formation takes."""
WHAT = (
    "The operator beside a real API server, etcd, controller manager and scheduler on the same cores, audit log on; nodes"
    " and pods are played by kwok, conductors by rows in PostgreSQL. Held: controllers, scheduler and kwok stand still while it"
    " is measured, as if they had cores of their own; at work: they make each mission's pod meanwhile. A mission is `manifests/missions/duration-library.yaml`,"
    " a formation `manifests/formations/simulated.yaml`. Admitted: the mission's ConfigMap and Job are made and its status"
    " says so; latency is from the API server's answer to the creation until its answer to that status. All counts are of the"
    " audit log, the operator's Lease excepted."
)


@dataclass(frozen=True, slots=True)
class Place:
    """Everything that a measurement needs."""

    cluster: Cluster
    database: Server
    host: str
    audit: Audit
    users: Users

    def start(self, name: str) -> replica.Replica:
        """The replica that the others follow; a busy machine may cost it its Lease, and that ends all."""
        made = replica.start(self.cluster, name, self.host)
        self.users.alive = lambda: made.process.poll() is None or made.told()
        return made


async def ready(place: Place, missions: int) -> None:
    """A formation with a place for each mission."""
    replicas = -(-missions // PLACES)
    await place.users.formation(TEAM, capacity=PLACES, replicas=replicas)
    await place.users.until("formations", "Ready", 1, 120)


async def burst(place: Place, size: int, alone: bool, found: Measured) -> None:
    """All at once, with the controllers held or at work; then what the store costs, and a cold start."""
    one = place.start("one")
    replica.leads(place.cluster, "one")
    await ready(place, size)
    await asyncio.to_thread(one.steady)
    base, cpu = one.memory()[0], one.cpu()
    with held(place.cluster) if alone else nullcontext():
        place.audit.mark()
        await place.users.all_at_once((f"m-{n:05}" for n in range(size)), lambda _: TEAM)
        await place.users.until("missions", "Admitted", size)
        requests = place.audit.requests()
        found.burst(HELD if alone else BUSY, size, requests, one.cpu() - cpu)
        one.end()
        if alone:
            two = place.start("two")
            cold = await asyncio.to_thread(two.steady)
            found.kept(size, cold, two.memory(), base, two.figure("objects"))
            two.end()


async def bare(place: Place, size: int, found: Measured) -> None:
    """The same burst for an operator that does next to nothing: what this machine can do at most."""
    with other(place.cluster) as process, held(place.cluster):
        place.audit.mark()
        await place.users.all_at_once((f"b-{n:05}" for n in range(size)), lambda _: TEAM)
        await place.users.until("missions", "Admitted", size)
        found.burst(BARE, size, place.audit.requests(), replica.cpu(process.pid))


@contextmanager
def other(cluster: Cluster) -> Iterator["subprocess.Popen[bytes]"]:
    """The bare operator, after the seconds that it takes to begin."""
    words = [sys.executable, Path(__file__).parent / "scaling" / "bare.py", cluster.kubeconfig]
    process = subprocess.Popen(words, env=cluster.environ, stderr=subprocess.DEVNULL)
    try:
        time.sleep(5)
        yield process
    finally:
        process.kill()
        process.wait(30)


async def pace(place: Place, seconds: float, found: Measured) -> None:
    """A steady stream of missions at two rates, then the whole life of some."""
    one = place.start("one")
    replica.leads(place.cluster, "one")
    rates = (20, 75)
    await ready(place, int(sum(rates) * seconds) + 1)
    with held(place.cluster):
        for rate in rates:
            place.audit.mark()
            names = [f"p{rate}-{n:05}" for n in range(int(rate * seconds))]
            await place.users.paced(names, rate, TEAM)
            await asyncio.to_thread(one.steady)
            found.pace(rate, admissions(place.audit.requests()))
    one.end()


async def life(place: Place, missions: int, seconds: float, found: Measured) -> None:
    """From creation to the end, every phase told."""
    one = place.start("one")
    replica.leads(place.cluster, "one")
    await ready(place, missions)
    place.audit.mark()
    await place.users.all_at_once((f"l-{n:05}" for n in range(missions)), lambda _: TEAM)
    await place.users.until("missions", "Admitted", missions)
    uids = [each["metadata"]["uid"] for each in await place.users.there("missions")]
    await lives(place.database, uids, seconds)
    await place.users.until("missions", "Succeeded", missions)
    await asyncio.to_thread(one.steady)
    found.life(missions, seconds, place.audit.writes())
    one.end()


async def idle(place: Place, formations: int, missions: int, rest: float, found: Measured) -> None:
    """Many formations, each with some missions: nothing happens, then things restart."""
    one = place.start("one")
    replica.leads(place.cluster, "one")
    for start in range(0, formations, 50):
        names = (f"f-{n:05}" for n in range(start, min(formations, start + 50)))
        await asyncio.gather(*(place.users.formation(name, capacity=PLACES) for name in names))
    await place.users.until("formations", "Ready", formations, 1200)
    await asyncio.to_thread(one.steady)
    with held(place.cluster):
        await rested(place, one, formations, missions, rest, found)


async def rested(
    place: Place, one: replica.Replica, formations: int, missions: int, rest: float, found: Measured
) -> None:
    """Missions that have their places, and nobody who takes them further."""
    await place.users.all_at_once(
        (f"i-{n:05}" for n in range(missions)), lambda name: f"f-{int(name[2:]) % formations:05}"
    )
    await place.users.until("missions", "Admitted", missions)
    await asyncio.to_thread(one.steady)
    await asyncio.sleep(6)  # counters of formations are told five seconds later
    place.audit.mark()
    await asyncio.sleep(rest)
    found.idle("nothing happens", formations, missions, rest, place.audit.writes())
    one.end()
    place.audit.mark()
    two = place.start("two")
    cold = await asyncio.to_thread(two.steady)
    await asyncio.sleep(rest)
    found.idle(f"operator restarted, steady after {cold:.1f} s", formations, missions, rest, place.audit.writes())  # fmt: skip
    place.audit.mark()
    restart_api(place.cluster)
    await asyncio.sleep(10)
    if two.process.poll() is not None:  # its Lease ran out, and a kubelet would start it again
        two = place.start("two")
        await asyncio.to_thread(two.steady)
    await asyncio.sleep(rest)
    found.idle("API server restarted", formations, missions, rest, place.audit.writes())
    found.large(formations, missions, two.memory(), two.figure("objects"))
    two.end()


async def hand_over(place: Place, found: Measured) -> None:
    """The leader ends, politely and not: until the other leads."""
    now = place.start("r0")
    replica.leads(place.cluster, "r0")
    for number, how in enumerate((signal.SIGTERM, signal.SIGKILL, signal.SIGTERM), 1):
        name = f"r{number}"
        heir = place.start(name)
        while "waits for the lease" not in heir.log.read_text():
            await asyncio.sleep(0.1)
        await asyncio.sleep(2.5)
        began = time.monotonic()
        now.end(how)
        replica.leads(place.cluster, name)
        found.hand_over(how.name, time.monotonic() - began)
        now = heir
    now.end()


def apart(database: Server, host: str, work: Callable[[Place], Awaitable[None]]) -> None:
    """One measurement on a control plane of its own."""

    async def run(cluster: Cluster) -> None:
        async with users(cluster) as people:
            await work(Place(cluster, database, host, Audit(cluster.folder / "audit.log"), people))

    with plane(nodes=4) as cluster:
        asyncio.run(run(cluster))


def told(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what} ...", file=sys.stderr, flush=True)


def measure(given: Namespace, found: Measured) -> None:
    with server() as database:
        host = migrate(database)
        for size in given.curve:
            told(f"a burst of {size:,}")
            apart(database, host, partial(burst, size=size, alone=True, found=found))
        if given.peer:
            told(f"a burst of {given.peer:,}: a bare operator, and with the controllers at work")
            apart(database, host, partial(bare, size=given.peer, found=found))
            apart(database, host, partial(burst, size=given.peer, alone=False, found=found))
        if given.pace:
            told("steady streams")
            apart(database, host, lambda place: pace(place, given.pace, found))
        if given.lives:
            told(f"{given.lives:,} lives")
            apart(database, host, lambda place: life(place, given.lives, given.life, found))
        if given.missions:
            told(f"{given.formations:,} Formations and {given.missions:,} Missions that rest")
            many = given.formations, given.missions, given.rest
            apart(database, host, lambda place: idle(place, *many, found))
        if given.hand_over:
            told("hand-overs")
            apart(database, host, lambda place: hand_over(place, found))


def main() -> int:
    words = options(__doc__ or "")
    words.add_argument("--curve", type=int, nargs="*", default=[500, 2000], help="sizes of bursts")
    words.add_argument(
        "--peer", type=int, default=2000, help="burst beside a bare operator; 0: none"
    )
    words.add_argument("--pace", type=float, default=8.0, help="seconds at each rate; 0 for none")
    words.add_argument("--lives", type=int, default=200, help="missions worked to their end")
    words.add_argument("--life", type=float, default=60.0, help="seconds that such a mission takes")
    words.add_argument("--formations", type=int, default=100, help="while nothing happens")
    words.add_argument("--missions", type=int, default=500, help="while nothing happens; 0: skip")
    words.add_argument("--rest", type=float, default=20.0, help="seconds of nothing")
    words.add_argument("--hand-over", type=int, default=1, help="0: skip")
    given = words.parse_args()
    before, found = load(), Measured()
    measure(given, found)
    title = "The operator under load"
    report = Report("operator", title, WHAT, tables(found), notes(found), found.figures())
    publish(report, machine(before), as_json=given.json, write=given.write)
    return 0


if __name__ == "__main__":
    sys.exit(main())
