"""The service on a real socket and a real Postgres; with a floor only where missions shall be worked."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from hekaton_runtime.cli.documents import formation_named
from hekaton_runtime.cli.serve import Staff, crew
from hekaton_runtime.conductor.records import Options, Simulation
from hekaton_runtime.service.app import House, application
from hekaton_runtime.service.bell import Bell
from hekaton_runtime.service.desk import Submission
from hekaton_runtime.service.drafting import Drafter
from hekaton_runtime.service.figures import Figures
from hekaton_runtime.service.keys import Keys
from hekaton_runtime.service.local import LocalDesk
from hekaton_runtime.service.rates import Rates
from hekaton_runtime.service.working import Floor, Staffing
from hekaton_runtime.settings import Settings
from hekaton_runtime.store.postgres import Database
from hekaton_runtime.web.metrics import Registry
from hekaton_runtime.web.serving import serving

NOBODY = Keys()
Open = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
Work = Callable[..., AbstractAsyncContextManager[Floor]]


@pytest.fixture
def task() -> dict[str, object]:
    """The seed's."""
    return {
        "task_description": "Analyze the token efficiency of HMA vs Flat agents.",
        "total_budget_tokens": 5000,
    }


@pytest.fixture
def drafter(tmp_path: Path) -> Drafter:
    options = Options(home=str(tmp_path), simulation=Simulation(), unsafe_no_sandbox=True)
    return Drafter(formation_named("simulated"), options)


@pytest.fixture
def opened(database: Database, drafter: Drafter) -> Open:
    """Serve; nothing is worked."""

    @asynccontextmanager
    async def place(
        keys: Keys = NOBODY, room: int = 1000, rate: int = 100_000, floor: Floor | None = None,
        figures: Figures | None = None,
    ) -> AsyncIterator[httpx.AsyncClient]:  # fmt: skip
        figures = figures or Figures(Registry())

        async def ready() -> tuple[str, ...]:
            return ()

        async with Bell.hung(database) as bell:
            wake = floor.wake if floor else lambda: None
            desk = LocalDesk(database, drafter, bell, room, wake)
            house = House(desk, desk, keys, Rates(rate), figures, ready)
            async with (
                serving(application(house)) as url,
                httpx.AsyncClient(base_url=url, timeout=60) as http,
            ):
                yield http

    return place


@pytest.fixture
def working(database: Database, drafter: Drafter, tmp_path: Path) -> Work:
    """Work the queue within the block, with simulated models."""

    @asynccontextmanager
    async def floor(
        latency: float = 0.0, parallel: int = 2, staffing: Staffing | None = None,
        figures: Figures | None = None,
    ) -> AsyncIterator[Floor]:  # fmt: skip
        mine = replace(drafter, options=_slow(drafter.options, latency))
        settings = Settings(home=tmp_path)
        sample = mine.draft(Submission("any", 1), 0)
        async with crew(database, sample, settings, parallel) as office:
            staff = staffing or Staff(settings, drafter, office)
            floor = Floor(database, staff, figures or Figures(Registry()), parallel, nap=0.3)
            stop = asyncio.Event()
            task = asyncio.create_task(floor.run(stop))
            try:
                yield floor
            finally:
                stop.set()
                await task

    return floor


def _slow(options: Options, latency: float) -> Options:
    return Options(
        home=options.home, simulation=Simulation(latency=latency), unsafe_no_sandbox=True
    )
