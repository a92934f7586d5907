"""Keeps one engine running: starts it, waits until it is healthy, looks after it, starts it again.

Only one engine of a pod starts at a time: one that measures free memory while another takes it would
size itself wrongly. A crashed engine starts again after a pause that grows with each crash.
"""

import asyncio
import logging
import os
import signal
import sys
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from msgspec.structs import replace

from hekaton_runtime.engines.kinds import HERE, Paths, remedy
from hekaton_runtime.engines.probing import get
from hekaton_runtime.engines.state import NOT_FOUND, EngineState, absent, judged, pause

log = logging.getLogger(__name__)

KEPT = 60
"""Last lines of an engine that tell why it ended."""
LONGEST_LINE = 1 << 16


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds."""

    look: float = 1.0
    """Between two looks at an engine that starts."""
    watch: float = 5.0
    """Between two looks at one that runs."""
    sick: float = 60.0
    """Without health, after which a running engine is ended and started again."""
    grace: float = 20.0
    """From SIGTERM to SIGKILL."""
    steady: float = 300.0
    """Of health, after which earlier crashes are forgiven."""


@dataclass(frozen=True, slots=True)
class Work:
    """One engine to be kept."""

    state: EngineState
    command: tuple[str, ...]
    paths: Paths
    environ: Mapping[str, str]


class Supervisor:
    """Keeps one."""

    def __init__(self, work: Work, turn: asyncio.Lock, times: Times) -> None:
        self.state = work.state
        self.up_once = asyncio.Event()
        self.paths = work.paths
        self._work = work
        self._turn = turn
        self._times = times
        self._crashes = 0
        self._lines: deque[str] = deque(maxlen=KEPT)

    async def run(self, after: asyncio.Event | None) -> None:
        """Until cancelled; then the engine and all it started are ended."""
        if after is not None:
            self._note("waiting", "the engine before it is not ready yet")
            await after.wait()
        while True:
            code = await self._once()
            self._crashes += 1
            phase, reason = judged(code, self._lines)
            if absent(code, self._lines):
                reason = f"{reason}. {remedy(self.state.engine)}"
            rest = pause(self._crashes)
            log.warning("engine %s: %s; again in %g s", self.state.model, reason, rest)
            self.state = replace(
                self.state, phase=phase, reason=reason, pid=0, restarts=self.state.restarts + 1
            )
            await asyncio.sleep(rest)

    async def _once(self) -> int:
        """From a start to an end: its exit code."""
        self._lines.clear()
        async with self._turn:
            try:
                process = await self._spawn()
            except OSError as fault:
                self._lines.append(f"error: {self._work.command[0]!r}: {fault.strerror}")
                return NOT_FOUND
            self.state = replace(self.state, phase="starting", reason="", pid=process.pid)
            told = asyncio.create_task(self._listen(process))
            try:
                healthy = await self._until_healthy(process)
            except asyncio.CancelledError:
                await self._end(process, told)
                raise
        try:
            if healthy:
                await self._watch(process)
        finally:
            await self._end(process, told)
        return process.returncode or 0

    async def _spawn(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *self._work.command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=dict(self._work.environ),
            start_new_session=True,
            limit=LONGEST_LINE,
        )

    async def _until_healthy(self, process: asyncio.subprocess.Process) -> bool:
        while process.returncode is None:
            if await self._is_healthy():
                self._note("ready", "")
                self.up_once.set()
                return True
            await asyncio.sleep(self._times.look)
        return False

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        """Until it ends, or has been sick for too long."""
        since = healthy = asyncio.get_running_loop().time()
        while process.returncode is None:
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), self._times.watch)
                return
            now = asyncio.get_running_loop().time()
            if await self._is_healthy():
                healthy = now
                self._note("ready", "")
                if now - since > self._times.steady:
                    self._crashes = 0
            elif now - healthy > self._times.sick:
                self._lines.append(f"error: no health for {now - healthy:.0f} s, so it was ended")
                return
            else:
                self._note("unhealthy", f"no health for {now - healthy:.0f} s")

    async def _is_healthy(self) -> bool:
        return (await get(HERE, self.state.port, self.paths.health)).status == 200

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        """Pass its words on, each line under its model's name."""
        assert process.stdout is not None
        while True:
            try:
                line = (await process.stdout.readline()).decode(errors="replace")
            except ValueError:  # longer than the limit: what was read is dropped
                continue
            if not line:
                return
            if f'"GET {self.paths.health} ' in line:  # our own question, each few seconds
                continue
            self._lines.append(line.rstrip("\n"))
            sys.stdout.write(f"[{self.state.model}] {line.rstrip()}\n")
            sys.stdout.flush()

    async def _end(self, process: asyncio.subprocess.Process, told: "asyncio.Task[None]") -> None:
        """SIGTERM, some time, SIGKILL for all of its group, which may outlive its leader."""
        if process.returncode is None:
            _signal(process.pid, signal.SIGTERM)
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), self._times.grace)
        _signal(process.pid, signal.SIGKILL)
        await process.wait()
        with suppress(TimeoutError):
            await asyncio.wait_for(told, 1.0)
        self.state = replace(self.state, phase="stopped", pid=0)

    def _note(self, phase: str, reason: str) -> None:
        self.state = replace(self.state, phase=phase, reason=reason)


def _signal(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, number)
