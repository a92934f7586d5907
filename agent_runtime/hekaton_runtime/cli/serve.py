"""`hekaton serve`: the HMA service on one machine; takes tasks over HTTP and works them in this process."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from hekaton_runtime.cli.documents import formation_named
from hekaton_runtime.cli.renaming import by_option
from hekaton_runtime.cli.running import reached
from hekaton_runtime.cli.serving import stopping
from hekaton_runtime.conductor.records import Options, Record, Simulation
from hekaton_runtime.conductor.staff import staffed
from hekaton_runtime.conductor.work import Office
from hekaton_runtime.errors import BadInput
from hekaton_runtime.service.app import House, application
from hekaton_runtime.service.bell import Bell
from hekaton_runtime.service.desk import Submission
from hekaton_runtime.service.drafting import FEW, Drafter
from hekaton_runtime.service.figures import Figures
from hekaton_runtime.service.keys import Keys
from hekaton_runtime.service.keys import from_environ as keys_from_environ
from hekaton_runtime.service.local import LocalDesk
from hekaton_runtime.service.rates import Rates
from hekaton_runtime.service.working import Floor
from hekaton_runtime.settings import Settings, from_environ
from hekaton_runtime.store.open import open_database
from hekaton_runtime.store.postgres import Database
from hekaton_runtime.web.metrics import Registry
from hekaton_runtime.web.serving import serving

HERE = ("127.0.0.1", "::1", "localhost")
SAMPLE = Submission("any task", FEW)
"""What the service must be able to take in, in the mode that it was started with."""


@dataclass(frozen=True, slots=True)
class Serving:
    """The command line of `serve`."""

    host: str = "127.0.0.1"
    port: int = 8080
    formation: str = "simulated"
    mode: str = "hierarchical"
    base_url: str = ""
    model: str = ""
    simulation: Simulation | None = None
    parallel: int = 4
    queue: int = 1000
    rate: int = 600
    wall_clock: str = "1h"
    usd: str = ""
    unsafe: bool = False


def serve(wanted: Serving) -> int:
    """Until SIGTERM or Ctrl-C; raises `BadInput`, `Unavailable`."""
    settings, keys = from_environ(), keys_from_environ(os.environ)
    if not keys and wanted.host not in HERE:
        raise BadInput(
            [
                f"--host: {wanted.host!r} is seen from elsewhere, and no API key is set."
                " Set HEKATON_API_KEYS, or serve 127.0.0.1."
            ]
        )
    drafter = _drafter(wanted, settings)
    with by_option():
        drafter.draft(SAMPLE, 0)  # the formation can work in this mode
    return asyncio.run(_serve(wanted, settings, keys, drafter))


def _drafter(wanted: Serving, settings: Settings) -> Drafter:
    options = Options(
        home=str(settings.home), base_url=wanted.base_url, model=wanted.model,
        simulation=wanted.simulation, unsafe_no_sandbox=wanted.unsafe,
    )  # fmt: skip
    try:
        usd = Decimal(wanted.usd) if wanted.usd else None
    except InvalidOperation as fault:
        raise BadInput([f"--budget-usd: {wanted.usd!r} is no amount. Give e.g. 2.50."]) from fault
    formation = formation_named(wanted.formation)
    return Drafter(formation, options, wanted.mode, wanted.wall_clock, usd)


@dataclass(frozen=True, slots=True)
class Staff:
    """A `Staffing`: one crew for all missions that are drafted now; one of its own for what an
    earlier service, started otherwise, left behind."""

    settings: Settings
    drafter: Drafter
    shared: Office

    @asynccontextmanager
    async def office(self, record: Record) -> AsyncIterator[Office]:
        if self.drafter.drafted(record):
            yield self.shared
        else:
            async with crew(self.shared.database, record, self.settings, 4) as office:
                yield office


@asynccontextmanager
async def crew(
    database: Database, record: Record, settings: Settings, capacity: int
) -> AsyncIterator[Office]:
    """Agents for a mission, or for those like it."""
    async with AsyncExitStack() as stack:
        models = await stack.enter_async_context(reached(record, settings))
        bus = await stack.enter_async_context(
            staffed(record.formation.spec, models, max(4, capacity))
        )
        names = {name: one.model for name, one in models.items()}
        yield Office(database, bus, names, lease=settings.lease, workers=settings.workers)


async def _serve(wanted: Serving, settings: Settings, keys: Keys, drafter: Drafter) -> int:
    stop = stopping()
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_database(settings, wait=True))
        sample = drafter.draft(SAMPLE, 0)
        office = await stack.enter_async_context(crew(database, sample, settings, wanted.parallel))
        figures = Figures(Registry())
        floor = Floor(database, Staff(settings, drafter, office), figures, wanted.parallel)
        bell = await stack.enter_async_context(Bell.hung(database))
        desk = LocalDesk(database, drafter, bell, wanted.queue, floor.wake)
        house = House(desk, desk, keys, Rates(wanted.rate), figures, floor.why_not)
        url = await stack.enter_async_context(serving(application(house), wanted.host, wanted.port))
        print(_greeting(url, wanted, keys), flush=True)
        await floor.run(stop)
    return 0


def _greeting(url: str, wanted: Serving, keys: Keys) -> str:
    mark = "  SIMULATED" if wanted.simulation else ""
    who = f"{len(keys.digests)} API keys" if keys else "no API keys: this machine only"
    return f"serve: {url}  formation {wanted.formation}  mode {wanted.mode}  {who}{mark}"
