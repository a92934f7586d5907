"""Where a soak runs: a home of its own, a PostgreSQL that can be crashed, and `hekaton` processes."""

import asyncio
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from hekaton_runtime.store.postgres import Database

CUT = (
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"
    " and application_name = 'hekaton' and pid <> pg_backend_pid()"
)


class Postgres:
    """The server under a home, to be stopped and started."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._program, *self._options = shlex.split((data / "postmaster.opts").read_text())

    def stop(self, how: str) -> None:
        """`fast` as an administrator does it; `immediate` as a power cut does."""
        self._pg_ctl("stop", "-m", how)

    def start(self) -> None:
        self._pg_ctl("start", "-o", shlex.join(self._options), "-l", str(self._data / "log"))

    def _pg_ctl(self, *words: str) -> None:
        mine = os.geteuid() == self._data.stat().st_uid
        subprocess.run(
            [Path(self._program).with_name("pg_ctl"), "-w", "-D", self._data, *words],
            user=None if mine else self._data.owner(), check=True, timeout=60,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip


@dataclass
class Child:
    """A running `hekaton` process whose events are counted."""

    process: asyncio.subprocess.Process
    events: int = 0
    heard: float = 0.0
    """Loop time of the last event."""
    errors: list[str] = field(default_factory=list)
    reading: "asyncio.Task[None] | None" = None

    def send(self, number: int) -> None:
        with suppress(ProcessLookupError):
            self.process.send_signal(number)

    @property
    def alive(self) -> bool:
        return self.process.returncode is None

    async def end(self, number: int) -> None:
        """Send a signal, also to one that is stopped, and wait for the end."""
        if self.alive:
            self.send(number)
            self.send(signal.SIGCONT)
        assert self.reading is not None
        await self.reading

    async def read(self) -> None:
        loop = asyncio.get_running_loop()

        async def events() -> None:
            assert self.process.stdout is not None
            while await self.process.stdout.readline():
                self.events, self.heard = self.events + 1, loop.time()

        async def errors() -> None:
            assert self.process.stderr is not None
            while line := await self.process.stderr.readline():
                self.errors = [*self.errors[-20:], line.decode(errors="replace")]

        await asyncio.gather(events(), errors())
        await self.process.wait()


@dataclass(frozen=True)
class Place:
    """Home, database and server of one soak."""

    home: Path
    database: Database
    postgres: Postgres
    environ: dict[str, str]
    port: int
    """Of the model server; the same for all missions, since agents outlive them."""

    async def start(self, words: Sequence[str]) -> Child:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "hekaton_runtime.cli.main", *words, env=self.environ, cwd=self.home,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, limit=2**22,
        )  # fmt: skip
        child = Child(process, heard=asyncio.get_running_loop().time())
        child.reading = asyncio.create_task(child.read())
        return child

    async def known(self) -> set[str]:
        return {row["id"] for row in await self.database.fetch("select id from hekaton.mission")}

    async def without_postgres(self, how: str, seconds: float) -> None:
        await asyncio.to_thread(self.postgres.stop, how)
        await asyncio.sleep(seconds)
        await asyncio.to_thread(self.postgres.start)


def working_in(folder: Path) -> list[str]:
    """Processes whose current folder lies there: what a mission may have left behind."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if entry.joinpath("cwd").readlink().is_relative_to(folder):
                found.append(entry.joinpath("cmdline").read_text().replace("\0", " "))
    return found


def tree(mission: Path) -> str:
    """The hash of an artifact's tree; empty where there is none."""
    said = subprocess.run(
        ["git", f"--git-dir={mission}/workspace/repo.git", "-c", "safe.directory=*", "rev-parse", "--quiet", "--verify", "result^{tree}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return said.stdout.strip()
