"""Engines that are real processes and serve nothing, under a launcher with short patience."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hekaton_runtime.engines.kinds import Vllm
from hekaton_runtime.engines.launcher import Launcher
from hekaton_runtime.engines.state import EngineState
from hekaton_runtime.engines.supervisor import Times, Work

FAKE = Path(__file__).with_name("fake_engine.py")
TIMES = Times(look=0.05, watch=0.1, sick=0.6, grace=1.0)


@dataclass
class Engines:
    """A launcher that runs."""

    launcher: Launcher
    folder: Path
    stop: asyncio.Event
    running: "asyncio.Task[None]"

    async def until(
        self, seen: Callable[[tuple[EngineState, ...]], bool], seconds: float = 60
    ) -> None:
        async with asyncio.timeout(seconds):
            while not seen(self.launcher.states):
                assert not self.running.done(), self.running
                await asyncio.sleep(0.02)

    async def until_ready(self) -> None:
        await self.until(lambda states: all(one.phase == "ready" for one in states))

    def course(self) -> list[tuple[str, str]]:
        lines = (self.folder / "course").read_text().splitlines()
        return [(line.split()[0], line.split()[1]) for line in lines]

    def child(self, name: str) -> int:
        return int((self.folder / f"{name}.child").read_text())

    async def end(self) -> None:
        self.stop.set()
        await self.running


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


@pytest.fixture
def alive() -> Callable[[int], bool]:
    return is_alive


@pytest.fixture
def run_engines(tmp_path: Path, unused_ports: Callable[[int], list[int]]) -> Any:
    """Starts engines by name, each with the orders for its starts."""

    @asynccontextmanager
    async def run(before: Work | None = None, /, **orders: str) -> AsyncIterator[Engines]:
        environ = {"PATH": os.environ["PATH"], "FAKE_FOLDER": str(tmp_path)}
        works = []
        for (name, words), port in zip(orders.items(), unused_ports(len(orders)), strict=True):
            (tmp_path / f"{name}.orders").write_text(words)
            command = (sys.executable, str(FAKE), "--served-model-name", name, "--port", str(port))
            state = EngineState(model=name, engine="vllm", port=port)
            works.append(Work(state, command, Vllm().paths, environ))
        launcher, stop = Launcher(tuple(works), before, TIMES), asyncio.Event()
        engines = Engines(launcher, tmp_path, stop, asyncio.create_task(launcher.run(stop)))
        try:
            yield engines
        finally:
            await engines.end()

    return run


@pytest.fixture
def unused_ports() -> Callable[[int], list[int]]:
    import socket

    def find(many: int) -> list[int]:
        held = [socket.socket() for _ in range(many)]
        for one in held:
            one.bind(("127.0.0.1", 0))
        ports = [int(one.getsockname()[1]) for one in held]
        for one in held:
            one.close()
        return ports

    return find
