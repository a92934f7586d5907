"""How soon `hekaton` is there, and how much memory a conductor and ten agents take.

    .venv/bin/python benchmarks/startup.py

`run` is timed from its start as a process to the first request at the model server, on a database that
runs and has its schema. Memory is read while all wait for their models: PSS shares what several
processes map among them, RSS counts it for each.
"""

import asyncio
import os
import resource
import signal
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from figures.quantiles import Spread, ms, spread
from figures.report import ROOT, Report, Table, load, machine, options, publish
from figures.server import Server, environ, make, server
from starlette.types import ASGIApp, Receive, Scope, Send

from hekaton_runtime.models.simulated.app import simulated_app
from hekaton_runtime.models.simulated.book_yaml import load as book_of
from hekaton_runtime.models.simulated.server import serve
from hekaton_runtime.models.simulated.settings import SimulatedModel, SimulatedSettings
from hekaton_runtime.store.postgres import connect

FILE = ROOT / "manifests" / "missions" / "duration-library.yaml"
HEKATON = ("-m", "hekaton_runtime.cli.main")
KINDS = ("sapper", "auditor", "reasoner", "researcher", "researcher", "researcher", "reasoner", "architect", "sapper", "analyst")  # fmt: skip
TEAM = """
apiVersion: hekaton.dev/v1alpha1
kind: Formation
metadata: {name: simulated}
spec:
  models:
    - {name: sim-strong, engine: external, model: simulated/sim-strong, endpoint: "http://127.0.0.1:1/v1",
       contextLength: 32768, price: {inputPerMTok: 1.25, outputPerMTok: 10}}
  roles:
"""
LATENCY = 60.0  # seconds a model takes: everybody waits while memory is read
HELP, FIRST = 0.3, 2.0  # seconds, the targets


@dataclass(frozen=True, slots=True)
class Start:
    """A command, run again and again."""

    wall: Spread
    cpu: float
    """Seconds of processor time a run, as a mean: what a busy machine does not change much."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of some processes."""

    name: str
    processes: int
    pss: int
    rss: int


class Awaited:
    """The model server, and when the first question came."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.asked = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("method") == "POST":
            self.asked.set()
        await self._app(scope, receive, send)


def memory_of(pids: Sequence[int], name: str) -> Memory:
    found = {"Pss": 0, "Rss": 0}
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            kind = line.partition(":")[0]
            if kind in found:
                found[kind] += int(line.split()[1]) * 1024
    return Memory(name, len(pids), found["Pss"], found["Rss"])


def used() -> float:
    """Processor seconds of all child processes that have ended."""
    said = resource.getrusage(resource.RUSAGE_CHILDREN)
    return said.ru_utime + said.ru_stime


async def timed(words: Sequence[str], many: int) -> Start:
    """Whole runs of a short command."""
    seconds, before = [], used()
    for _ in range(many):
        began = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            sys.executable, *words, stdout=asyncio.subprocess.DEVNULL
        )
        await process.wait()
        seconds.append(time.perf_counter() - began)
    return Start(spread(seconds), (used() - before) / many)


@asynccontextmanager
async def models() -> AsyncIterator[tuple[Awaited, str]]:
    book = book_of(FILE.with_suffix(".book.yaml").read_text())
    listed = tuple(SimulatedModel(name, 1.0, LATENCY) for name in ("sim-strong", "sim-fast"))
    awaited = Awaited(simulated_app(SimulatedSettings(listed, book)))
    async with serve(awaited) as url:
        yield awaited, f"{url}/v1"


@asynccontextmanager
async def child(place: Server, *words: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A `hekaton` process, killed at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, *HEKATON, *words, env=environ(place, "startup", os.environ["PATH"]), cwd=place.home,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.communicate()


async def first_calls(place: Server, many: int) -> Start:
    """From the start of `hekaton run` to its first question to a model."""
    seconds, before = [], used()
    for _ in range(many):
        async with models() as (awaited, url):
            began = time.perf_counter()
            async with child(place, "run", str(FILE), "--base-url", url, "--json"):
                await asyncio.wait_for(awaited.asked.wait(), 60)
                seconds.append(time.perf_counter() - began)
    return Start(spread(seconds), (used() - before) / many)


def team(place: Server, agents: int) -> Path:
    """A formation of so many agents, ten at most."""
    seats = (
        f"    - {{name: {kind}-{number}, role: {kind}, model: sim-strong}}\n"
        for number, kind in enumerate(KINDS[:agents])
    )
    file = place.home / "team.yaml"
    file.write_text(TEAM + "".join(seats))
    return file


async def together(place: Server, formation: Path) -> Memory:
    async with models() as (awaited, url):
        words = ("run", str(FILE), "--formation", str(formation), "--base-url", url, "--json")
        async with child(place, *words) as one:
            await asyncio.wait_for(awaited.asked.wait(), 60)
            return memory_of([one.pid], "conductor, broker and agents in one process")


async def apart(place: Server, formation: Path, many: int) -> list[Memory]:
    bus, control = f"ipc://{place.home}/pod/bus", f"ipc://{place.home}/pod/control"
    common = ("--bus", bus, "--formation", str(formation))
    async with models() as (awaited, url), AsyncExitStack() as stack:
        broker = await stack.enter_async_context(
            child(place, "broker", "--bus", bus, "--control", control)
        )
        agents = []
        for number, kind in enumerate(KINDS[:many]):
            words = ("agent", *common, "--role", f"{kind}-{number}", "--base-url", url)
            agents.append(await stack.enter_async_context(child(place, *words)))
        for one in agents:
            assert one.stdout is not None
            await one.stdout.readline()
        conductor = await stack.enter_async_context(
            child(place, "conductor", str(FILE), *common, "--base-url", url, "--json")
        )
        await asyncio.wait_for(awaited.asked.wait(), 60)
        return [
            memory_of([conductor.pid], "conductor"),
            memory_of([broker.pid], "broker"),
            memory_of([one.pid for one in agents], f"{many} agents"),
            memory_of([conductor.pid, broker.pid, *(one.pid for one in agents)], "all processes"),
        ]


async def measured(place: Server, runs: int, agents: int) -> tuple[dict[str, Start], list[Memory]]:
    await make(place, "startup")
    async with connect(place.database("startup")):
        pass  # the schema is there: warm
    times = {
        "python -c pass": await timed(("-c", "pass"), runs),
        "hekaton --help": await timed((*HEKATON, "--help"), runs),
        "hekaton run, to the first model call": await first_calls(place, runs),
    }
    formation = team(place, agents)
    return times, [await together(place, formation), *await apart(place, formation, agents)]


def tables(times: dict[str, Start], memory: Sequence[Memory]) -> tuple[Table, Table]:
    rows = tuple(
        (name, f"{one.wall.many}", ms(one.wall.p50), ms(one.wall.p99), ms(one.cpu))
        for name, one in times.items()
    )
    sizes = tuple(
        (one.name, f"{one.processes}", f"{one.pss / 2**20:,.0f}", f"{one.rss / 2**20:,.0f}")
        for one in memory
    )
    return (
        Table("Start", ("command", "runs", "p50 ms", "p99 ms", "CPU ms a run"), rows),
        Table(
            "Memory while all wait for a model", ("what", "processes", "PSS MiB", "RSS MiB"), sizes
        ),
    )


def notes(times: dict[str, Start]) -> tuple[str, ...]:
    said = []
    for name, target in (("hekaton --help", HELP), ("hekaton run, to the first model call", FIRST)):
        one = times[name]
        word = "holds" if one.wall.p50 < target else "does not hold"
        said.append(
            f"{name} under {target:g} s: {word} ({one.wall.p50:.2f} s at p50, {one.cpu:.2f} s of CPU)."
        )
    return tuple(said)


def main() -> int:
    words = options(__doc__ or "")
    words.add_argument("--runs", type=int, default=10)
    words.add_argument("--agents", type=int, default=10, choices=range(2, 11), metavar="2..10")
    given = words.parse_args()
    before = load()
    with server() as place:
        times, memory = asyncio.run(measured(place, given.runs, given.agents))
    plain = {
        "seconds": {name: one.wall.p50 for name, one in times.items()},
        "cpu": {name: one.cpu for name, one in times.items()},
        "memory": {one.name: {"pss": one.pss, "rss": one.rss} for one in memory},
    }
    what = "Start of the command, and memory of a mission at work, with SIMULATED models that keep all waiting."
    report = Report("startup", "Start and memory", what, tables(times, memory), notes(times), plain)
    publish(report, machine(before), as_json=given.json, write=given.write)
    return 0


if __name__ == "__main__":
    sys.exit(main())
