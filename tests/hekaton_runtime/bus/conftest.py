"""A broker, agents and callers on real sockets, with quick heartbeats, all ended afterwards."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import pytest

from hekaton_runtime.brief import Brief
from hekaton_runtime.bus.broker import Broker
from hekaton_runtime.bus.messages import Answered, Order, Outcome
from hekaton_runtime.bus.peer import Answerer, serve_agent
from hekaton_runtime.bus.settings import BusSettings
from hekaton_runtime.results import Usage

QUICK = BusSettings(heartbeat=0.05, patience=0.4, grace=0.15)


class Opener(Protocol):
    """Runs a broker on the test's ipc addresses."""

    def __call__(self, settings: BusSettings = ...) -> AbstractAsyncContextManager[Broker]: ...


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short private folder: tmp_path can exceed the 107 bytes of a socket path."""
    path = Path(tempfile.mkdtemp(prefix="hb"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def address(folder: Path) -> str:
    return f"ipc://{folder}/b"


@asynccontextmanager
async def _serve(address: str, settings: BusSettings) -> AsyncIterator[Broker]:
    stop = asyncio.Event()
    async with Broker.bind(address, address + "c", settings) as broker:
        running = asyncio.ensure_future(broker.run(stop))
        try:
            yield broker
        finally:
            stop.set()
            await running


@pytest.fixture
def open_broker(address: str) -> Opener:
    """A broker that runs inside `async with open_broker():`."""

    def opened(settings: BusSettings = QUICK) -> AbstractAsyncContextManager[Broker]:
        return _serve(address, settings)

    return opened


@pytest.fixture
async def broker(open_broker: Opener) -> AsyncIterator[Broker]:
    async with open_broker() as opened:
        yield opened


@pytest.fixture
async def start_agent(address: str) -> AsyncIterator[Callable[..., asyncio.Task[None]]]:
    """Start an agent as a task; all are ended with the test."""
    tasks = []

    def start(
        answerer: Answerer,
        *,
        agent: str = "coder",
        instance: str = "coder-0",
        capacity: int = 1,
        stop: asyncio.Event | None = None,
    ) -> asyncio.Task[None]:
        serving = serve_agent(
            address,
            agent=agent,
            instance=instance,
            capacity=capacity,
            answerer=answerer,
            stop=stop or asyncio.Event(),
        )
        tasks.append(asyncio.ensure_future(serving))
        return tasks[-1]

    yield start
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
def order() -> Callable[..., Order]:
    """Make an order; what the test does not name is harmless."""

    def make(id: str = "o1", **changes: Any) -> Order:
        values: dict[str, Any] = {
            "mission": "m1",
            "agent": "coder",
            "brief": Brief(step="work", goal=f"goal of {id}"),
            "answer": "patch",
            "max_tokens": 100,
            "seed": 7,
            "seconds": 3.0,
        }
        return Order(id=id, **(values | changes))

    return make


class Echo:
    """Answers every order with its goal, and keeps the ids."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def answer(self, order: Order) -> Outcome:
        self.seen.append(order.id)
        return Answered(
            text=order.brief.goal,
            usage=Usage(prompt_tokens=3, completion_tokens=4),
            model="simulated",
            seconds=0.0,
            instance="",
        )


class Sleeper:
    """Begins, then waits for `release`; remembers what was begun and what was cancelled."""

    def __init__(self, on_cancel: Outcome | None = None) -> None:
        self.began = asyncio.Event()
        self.release = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.seen: list[str] = []
        self._on_cancel = on_cancel
        self._then = Echo()

    async def answer(self, order: Order) -> Outcome:
        self.seen.append(order.id)
        self.began.set()
        try:
            await self.release.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            if self._on_cancel is None:
                raise
            return self._on_cancel
        return await self._then.answer(order)


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
def sleeper() -> Sleeper:
    return Sleeper()


@pytest.fixture
def make_sleeper() -> Callable[..., Sleeper]:
    return Sleeper


@pytest.fixture
def settled() -> "Settlements":
    return Settlements()


class Settlements:
    """A ledger's stand-in: keeps every outcome it is told."""

    def __init__(self) -> None:
        self.told: dict[str, Outcome] = {}

    async def __call__(self, order: str, outcome: Outcome) -> None:
        assert order not in self.told
        self.told[order] = outcome


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], Awaitable[None]]:
    """Wait until something is so, at most 3 s."""

    async def wait(check: Callable[[], bool]) -> None:
        async with asyncio.timeout(3):
            while not check():
                await asyncio.sleep(0.005)

    return wait


@pytest.fixture
def quick() -> Callable[..., BusSettings]:
    """Settings with short heartbeats and the named changes."""

    def make(**changes: Any) -> BusSettings:
        return replace(QUICK, **changes)

    return make
