"""`hekaton run` and `hekaton resume`: everything in one process tree."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from hekaton_api.formation import FormationSpec
from hekaton_runtime.bus.keys import PeerKeys
from hekaton_runtime.cli.documents import one_mission
from hekaton_runtime.cli.ending import conclude, over, retell
from hekaton_runtime.cli.live import Board, View, view
from hekaton_runtime.cli.planning import refuse_unfit, told_together
from hekaton_runtime.cli.preflight import preflight, refuse_silent, refuse_unstartable
from hekaton_runtime.cli.providing import provided
from hekaton_runtime.cli.serving import peer_keys
from hekaton_runtime.cli.simulation import book_text, simulated
from hekaton_runtime.conductor.conduct import Halt
from hekaton_runtime.conductor.naming import Endpoint, Override, endpoints
from hekaton_runtime.conductor.records import (
    Options,
    Record,
    Simulation,
    find,
    new_id,
    status,
)
from hekaton_runtime.conductor.staff import staffed
from hekaton_runtime.conductor.work import Finished, Office, begin, folder, work
from hekaton_runtime.errors import BadInput
from hekaton_runtime.models.simulated.book_yaml import load
from hekaton_runtime.settings import Settings, from_environ
from hekaton_runtime.store.open import open_database
from hekaton_runtime.store.postgres import Database
from hekaton_runtime.workspace.prepare import Unfetched


@dataclass(frozen=True, slots=True)
class Wanted:
    """The command line of `run`."""

    files: tuple[Path, ...]
    formation: str = ""
    changes: tuple[str, ...] = ()
    """Fields of the formation changed by `--set`."""
    mode: str = ""
    base_url: str = ""
    model: str = ""
    simulate: bool = False
    book: Path | None = None
    competence: float = 1.0
    seed: int = 0
    latency: float = 0.0
    unsafe: bool = False
    as_json: bool = False
    plain: bool = False
    bus: str = ""
    """A broker with agents of its own processes; empty: everything in this process."""
    keys: Path | None = None


def run_mission(wanted: Wanted) -> int:
    """The exit code; raises `BadInput`, `Unavailable`."""
    settings = from_environ()
    with told_together(served=not wanted.base_url):
        mission, formation = one_mission(
            list(wanted.files), wanted.formation, wanted.mode, wanted.changes
        )
    refuse_unstartable(mission)
    if not wanted.base_url:
        refuse_unfit(formation)
    simulation = _simulation(wanted) if wanted.simulate else None
    options = Options(
        home=str(settings.home), base_url=wanted.base_url, model=wanted.model, simulation=simulation,
        unsafe_no_sandbox=wanted.unsafe,
    )  # fmt: skip
    record = Record(new_id(mission.metadata.name), mission, formation, options, int(time.time()))
    show = Show(wanted.as_json, wanted.plain)
    return asyncio.run(_begun(settings, record, Place(wanted.bus, wanted.keys), show))


@dataclass(frozen=True, slots=True)
class Show:
    """How the course is shown."""

    as_json: bool
    plain: bool


@dataclass(frozen=True, slots=True)
class Place:
    """Where the agents are: in this process, or behind a broker elsewhere."""

    bus: str = ""
    keys: Path | None = None


def resume_mission(mission: str, place: Place, show: Show) -> int:
    return asyncio.run(_resumed(from_environ(), mission, place, show))


def _simulation(wanted: Wanted) -> Simulation:
    """The answer book is given, or lies beside the mission as NAME.book.yaml."""
    beside = [path.with_suffix(".book.yaml") for path in wanted.files]
    books = [wanted.book] if wanted.book else [path for path in beside if path.exists()]
    text = book_text(books[0]) if books else ""
    if books:
        load(text, str(books[0]))  # who reads it again knows its path no more
    return Simulation(
        competence=wanted.competence, seed=wanted.seed, latency=wanted.latency, book=text
    )


async def _begun(settings: Settings, record: Record, place: Place, show: Show) -> int:
    async with open_database(settings) as database:
        return await _work(settings, database, record, place, show, fresh=True)


async def _resumed(settings: Settings, mission: str, place: Place, show: Show) -> int:
    async with open_database(settings) as database:
        record = await find(database, mission)
        now = await status(database, record.id)
        if over(now):
            return retell(now, folder(record), as_json=show.as_json)
        return await _work(settings, database, record, place, show, fresh=False)


async def _work(
    settings: Settings, database: Database, record: Record, place: Place, show: Show, *, fresh: bool
) -> int:
    async with AsyncExitStack() as stack:
        spec = record.formation.spec
        if place.bus:
            models, bus = endpoints_behind(spec, record.options), place.bus
        else:
            models = await stack.enter_async_context(reached(record, settings))
            bus = await stack.enter_async_context(staffed(spec, models))
        keys = peer_keys("conductor", place.keys)
        if fresh:
            await _begin(database, record, place, keys)
        names = {name: one.model for name, one in models.items()}
        office = Office(database, bus, names, keys, settings.lease, workers=settings.workers)
        finished = await watched(record, office, await course_view(database, record, show))
    return conclude(finished, as_json=show.as_json)


async def _begin(database: Database, record: Record, place: Place, keys: PeerKeys | None) -> None:
    """Whoever has begun nothing yet can still mend an address; so what is away is bad input here."""
    if place.bus:
        await refuse_silent(place.bus, record.id, keys)
    try:
        await begin(database, record)
    except Unfetched as fault:
        raise BadInput([str(fault)]) from fault


def endpoints_behind(spec: FormationSpec, options: Options) -> dict[str, Endpoint]:
    """Agents elsewhere know their endpoints themselves; the conductor names models for the ledger alone."""
    return {
        model.name: Endpoint(options.base_url, options.model or model.sent_name)
        for model in spec.models
    }


@asynccontextmanager
async def reached(record: Record, settings: Settings) -> AsyncIterator[dict[str, Endpoint]]:
    """Every model's endpoint, tried beforehand; starts the simulated server where it is wanted."""
    spec, options = record.formation.spec, record.options
    if options.simulation:
        async with simulated(options.simulation, spec) as models:
            yield models
        return
    override = Override(options.base_url, options.model, settings.key)
    async with provided(spec, override, os.environ) as given:
        models = endpoints(spec, override, os.environ, given)
        await preflight(models)
        yield models


async def course_view(database: Database, record: Record, show: Show) -> View:
    now, budget = await status(database, record.id), record.mission.spec.budget
    title = (
        f"{record.id}  mode {record.mission.spec.mode}  formation {record.formation.metadata.name}"
    )
    if record.options.simulation:
        title += "  SIMULATED"
    board = Board(
        title, budget.tokens, budget.usd_micros, tokens=now.spent_tokens, micros=now.spent_micros
    )
    return view(board, as_json=show.as_json, plain=show.plain)


async def watched(record: Record, office: Office, looking: View) -> Finished:
    """Ctrl-C and SIGTERM stop the mission cleanly; a second Ctrl-C ends the process at once."""
    loop = asyncio.get_running_loop()
    interrupt: asyncio.Future[Halt] = loop.create_future()

    def stop(name: str) -> None:
        if not interrupt.done():
            interrupt.set_result(
                Halt("interrupted", f"{name}; go on with `hekaton resume {record.id}`")
            )
        loop.remove_signal_handler(signal.SIGINT)

    for number, name in ((signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "terminated")):
        loop.add_signal_handler(number, stop, name)
    with looking as watch:
        return await work(record, office, watch, interrupt)
