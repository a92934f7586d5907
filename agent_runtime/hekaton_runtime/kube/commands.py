"""`submit`, `watch`, `logs`, `artifact`, and `kill`, `missions`, `show` with -n: missions in a cluster."""

import asyncio
import base64
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from hekaton_api.formation import Formation
from hekaton_api.mission import Mission as Document
from hekaton_runtime.errors import BadInput
from hekaton_runtime.kube.cluster import Cluster
from hekaton_runtime.kube.values import ENDS, Mission

LOOK = 1.0
"""Seconds between two looks at a mission."""
CONTAINER = "conductor"
HALTING = 30.0
"""Seconds that `kill` waits for the operator to obey; five are promised."""


@dataclass(frozen=True, slots=True)
class Outside:
    """Which cluster, and where in it."""

    namespace: str = ""
    context: str = ""
    kubeconfig: Path | None = None


def submit(outside: Outside, documents: tuple[Formation | Document, ...]) -> int:
    """Send what was read and checked here already."""

    async def send(cluster: Cluster) -> int:
        for one in documents:
            body = one.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude_none=True)
            await cluster.apply(body)
            space = one.metadata.namespace or cluster.namespace
            print(f"{one.kind.lower()} {one.metadata.name}: submitted to namespace {space}")
            if isinstance(one, Document):
                print(f"next: hekaton watch {one.metadata.name} -n {space}")
        return 0

    return _with(outside, send)


def watch(outside: Outside, name: str, *, as_json: bool) -> int:
    """Until the mission has ended; the exit code is the one that it would have on a laptop."""

    async def look(cluster: Cluster) -> int:
        before = ""
        while True:
            mission = await cluster.mission(name)
            line = json.dumps(msgspec.to_builtins(mission)) if as_json else _line(mission)
            if line != before:
                print(line, flush=True)
                before = line
            if end := mission.end:
                if not as_json:
                    _conclude(cluster, mission)
                return ENDS[end.type]
            await asyncio.sleep(LOOK)

    return _with(outside, look)


def logs(outside: Outside, name: str, *, follow: bool) -> int:
    """What the mission's conductor said."""

    async def read(cluster: Cluster) -> int:
        mission = await cluster.mission(name)
        pods = await cluster.pods(name)
        if not pods:
            raise BadInput(
                [f"mission {name!r} has no pod: it is {mission.state}. {mission.sentence}"]
            )
        async for line in cluster.log(pods[0].metadata.name, CONTAINER, follow=follow):
            print(line, flush=True)
        return 0

    return _with(outside, read)


def artifact(outside: Outside, name: str, folder: Path) -> int:
    """Write a mission's papers to a folder."""

    async def fetch(cluster: Cluster) -> int:
        mission = await cluster.mission(name)
        report = await cluster.report(name)
        if report is None:
            raise BadInput(
                [f"mission {name!r} has no report: it is {mission.state}. {mission.sentence}"]
            )
        papers = {key: text.encode() for key, text in report.data.items()}
        papers |= {key: base64.b64decode(text) for key, text in report.binary_data.items()}
        folder.mkdir(parents=True, exist_ok=True)
        for key in sorted(papers):
            (folder / Path(key).name).write_bytes(papers[key])
            print(folder / Path(key).name)
        if mission.status.artifact and mission.status.artifact.location:
            print(f"artifact: {mission.status.artifact.location}")
        return 0

    return _with(outside, fetch)


def kill(outside: Outside, name: str) -> int:
    """Ask for the end, and wait until it has come."""

    async def stop(cluster: Cluster) -> int:
        mission = await cluster.mission(name)
        if end := mission.end:
            raise BadInput([f"mission {name!r} is not running; it is {end.type}. {end.message}"])
        await cluster.cancel(name)
        until = time.monotonic() + HALTING
        while not (mission := await cluster.mission(name)).end:
            if time.monotonic() > until:
                print(f"{name}: asked to stop; it has not ended within {HALTING:g} s.")
                return 1
            await asyncio.sleep(LOOK / 4)
        print(f"{name}: {mission.state}. {mission.sentence}")
        return 0

    return _with(outside, stop)


def missions(outside: Outside, limit: int, *, as_json: bool) -> int:
    """A table of a namespace's missions."""

    async def look(cluster: Cluster) -> int:
        found = (await cluster.missions())[:limit]
        if as_json:
            for one in found:
                print(json.dumps(msgspec.to_builtins(one)))
            return 0
        if not found:
            print(f"No missions in namespace {cluster.namespace}. Send one: hekaton submit FILE")
            return 0
        table = Table(box=None, pad_edge=False)
        for title in ("MISSION", "FORMATION", "MODE", "STATE", "PHASE", "TASKS", "TOKENS", "COST"):
            table.add_column(title, no_wrap=True)
        for one in found:
            table.add_row(*_cells(one))
        _console().print(table)
        return 0

    return _with(outside, look)


def show(outside: Outside, name: str, *, as_json: bool) -> int:
    """One mission: its state, its reason, its budget, its closing report."""

    async def look(cluster: Cluster) -> int:
        mission = await cluster.mission(name)
        if as_json:
            print(json.dumps(msgspec.to_builtins(mission)))
            return 0
        status, budget = mission.status, mission.spec.budget
        print(f"{name}  {mission.state}\n{mission.spec.goal.strip()}\n{mission.sentence}")
        print(f"phase   {status.phase}, {_progress(mission)}")
        print(
            f"tokens  {status.spent.tokens:,} spent, {status.reserved.tokens:,} reserved, cap {budget.tokens:,}"
        )
        print(f"cost    ${status.spent.usd:.6f} spent, cap ${budget.usd:.2f}")
        if status.queue_position is not None:
            print(f"queue   {status.queue_position} ahead of it")
        if status.artifact:
            print(f"result  {status.artifact.location or 'none'}")
        if status.sitrep:
            print(f"\n{status.sitrep}")
        return 0

    return _with(outside, look)


def _with(outside: Outside, look: Callable[[Cluster], Awaitable[int]]) -> int:
    async def connected() -> int:
        async with Cluster.connect(
            outside.namespace, outside.context, outside.kubeconfig
        ) as cluster:
            return await look(cluster)

    return asyncio.run(connected())


def _line(mission: Mission) -> str:
    status = mission.status
    queue = "" if status.queue_position is None else f", {status.queue_position} ahead in the queue"
    return (
        f"{mission.state}{queue}: {status.phase}, {_progress(mission)},"
        f" {status.spent.tokens:,} tokens, ${status.spent.usd:.6f}"
    )


def _progress(mission: Mission) -> str:
    status = mission.status
    return (
        f"tasks {status.tasks.done}/{status.tasks.total}, wave {status.wave}, round {status.round}"
    )


def _conclude(cluster: Cluster, mission: Mission) -> None:
    name, delivered = mission.metadata.name, mission.status.artifact
    print(f"{mission.state.upper()}: {mission.sentence}")
    if delivered and delivered.location:
        print(f"artifact  {delivered.location}, commit {(delivered.commit or '')[:12]}")
    print(f"next      hekaton artifact {name} -n {cluster.namespace}")


def _cells(one: Mission) -> tuple[str, ...]:
    status = one.status
    return (
        one.metadata.name, one.spec.formation, one.spec.mode, one.state, status.phase,
        f"{status.tasks.done}/{status.tasks.total}", f"{status.spent.tokens:,}", f"${status.spent.usd:.4f}",
    )  # fmt: skip


def _console() -> Console:
    """As wide as the terminal; without one, wide enough that nothing is cut."""
    wide = Console(highlight=False)
    return wide if wide.is_terminal else Console(highlight=False, width=160)
