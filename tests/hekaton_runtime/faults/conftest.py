"""A mission in processes of its own: they can be killed, stopped and cut off, and are all ended afterwards.

The simulated models are served by the test's own process, so what they billed outlives every crash.
"""

import asyncio
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

import asyncpg
import httpx
import msgspec
import pytest
from soaking.pods import ROLES, TEAM

from hekaton_runtime.cli.documents import one_mission
from hekaton_runtime.conductor.asking import Patience
from hekaton_runtime.conductor.naming import Override, endpoints
from hekaton_runtime.conductor.records import Options, Record, create, new_id
from hekaton_runtime.conductor.staff import staffed
from hekaton_runtime.conductor.work import Finished, Office, work
from hekaton_runtime.models.simulated.billing import Bill, BilledCall
from hekaton_runtime.models.simulated.book_yaml import load
from hekaton_runtime.models.simulated.faults import Faults
from hekaton_runtime.models.simulated.server import serve
from hekaton_runtime.models.simulated.settings import SimulatedModel, SimulatedSettings
from hekaton_runtime.store.embedded import embedded
from hekaton_runtime.store.postgres import connect

MISSIONS = Path(__file__).resolve().parents[3] / "manifests" / "missions"
DURATIONS = MISSIONS / "duration-library.yaml"
QUICK = "review.evidence=[]"  # no tools of the auditor's: they take longer than all the rest
LATENCY = 0.05  # seconds to the first token: long enough for a kill to find calls in flight


@dataclass(frozen=True)
class Ended:
    """How a process ended and what it said."""

    code: int
    events: tuple[dict[str, Any], ...]
    errors: str

    @property
    def last(self) -> dict[str, Any]:
        """The closing line of `--json`."""
        assert self.events, f"it said nothing; errors: {self.errors}"
        return self.events[-1]


@dataclass
class Child:
    """A running `hekaton` process."""

    process: asyncio.subprocess.Process
    events: list[dict[str, Any]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self) -> None:
        async def drain(stream: asyncio.StreamReader | None, take: Callable[[str], None]) -> None:
            assert stream is not None
            while line := await stream.readline():
                take(line.decode())
                self.news.set()

        def event(line: str) -> None:
            self.lines.append(line)
            with suppress(json.JSONDecodeError):
                self.events.append(json.loads(line))

        streams = (
            drain(self.process.stdout, event),
            drain(self.process.stderr, self.errors.append),
        )
        await asyncio.gather(*streams)
        await self.process.wait()
        self.news.set()

    def send(self, number: int) -> None:
        with suppress(ProcessLookupError):
            self.process.send_signal(number)

    async def until(self, seen: Callable[["Child"], bool], seconds: float = 90.0) -> bool:
        """Whether something was seen before the process ended."""
        async with asyncio.timeout(seconds):
            while not seen(self):
                if self.process.returncode is not None:
                    return False
                self.news.clear()
                await self.news.wait()
        return True


class Lab:
    """One test's home folder, database, model server and processes."""

    def __init__(self, home: Path, dsn: str, url: str) -> None:
        self.home = home
        self.dsn = dsn
        self.url = url
        self.more: dict[str, str] = {}
        """Further variables of the processes started from now on."""
        self.embedded = False
        """Its processes start the database under their home instead of using the test's."""
        self.prefix: tuple[str, ...] = ()
        """Words before those of each command, such as those that enter a namespace."""
        self.children: list[tuple[Child, asyncio.Task[None]]] = []

    async def start(self, *words: str | Path) -> Child:
        """Start `hekaton` with these words."""
        process = await asyncio.create_subprocess_exec(
            *self.prefix, sys.executable, "-m", "hekaton_runtime.cli.main", *map(str, words),
            env=self.environ(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            cwd=self.home, limit=2**22,
        )  # fmt: skip
        child = Child(process)
        self.children.append((child, asyncio.create_task(child.read())))
        return child

    async def run(self, file: Path = DURATIONS) -> Child:
        """Start a mission."""
        words = ("--base-url", f"{self.url}/v1", "--json", "--set", QUICK)
        return await self.start("run", file, *words)

    async def ended(self, child: Child, seconds: float = 90.0) -> Ended:
        reading = next(task for known, task in self.children if known is child)
        async with asyncio.timeout(seconds):
            await asyncio.shield(reading)
        return Ended(child.process.returncode or 0, tuple(child.events), "".join(child.errors))

    async def call(self, *words: str | Path) -> Ended:
        return await self.ended(await self.start(*words))

    async def end_all(self) -> None:
        for child, _ in self.children:
            child.send(signal.SIGCONT)
            if child.process.returncode is None:
                child.send(signal.SIGKILL)
        await asyncio.gather(*(task for _, task in self.children))

    def environ(self) -> dict[str, str]:
        parts = urlsplit(self.dsn)
        own = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "TMPDIR": str(self.home / "tmp"),
            "HEKATON_HOME": str(self.home),
        }
        if self.embedded:
            return {**own, **self.more}
        return {
            **own,
            "HEKATON_DB_HOST": parse_qs(parts.query)["host"][0],
            "HEKATON_DB_PORT": "5432",
            "HEKATON_DB_NAME": parts.path.strip("/"),
            "HEKATON_DB_USER": "postgres",
            **self.more,
        }

    async def sql(self, text: str, *args: object) -> list[asyncpg.Record]:
        link = await asyncpg.connect(self.dsn)
        try:
            return await link.fetch(text, *args)
        finally:
            await link.close()

    async def mission(self) -> str:
        """The id of this database's one mission; empty while there is none."""
        with suppress(asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError):
            rows = await self.sql("select id from hekaton.mission")
            assert len(rows) <= 1
            return rows[0]["id"] if rows else ""
        return ""

    async def state(self) -> tuple[str, str]:
        row = (await self.sql("select state, stop_kind from hekaton.mission"))[0]
        return row["state"], row["stop_kind"]

    async def tree(self) -> str:
        """The hash of the accepted tree."""
        return tree_of(self.home / "missions" / await self.mission())

    async def billed(self) -> tuple[BilledCall, ...]:
        async with httpx.AsyncClient(trust_env=False) as client:
            said = await client.get(f"{self.url}/billing")
        return msgspec.json.decode(said.content, type=Bill).calls

    async def check(self) -> None:
        """Every promise that holds at any moment, and the agreement with the server's own bill."""
        assert await self.sql(BROKEN_CAPS) == []
        assert await self.sql(WRONG_SUMS) == []
        assert await self.sql(REPEATED) == []
        calls = await self.sql("select * from hekaton.call order by opened_at")
        disagreement(await self.billed(), calls)


def tree_of(mission: Path) -> str:
    repository = mission / "workspace" / "repo.git"
    said = subprocess.run(
        ["git", f"--git-dir={repository}", "-c", "safe.directory=*", "rev-parse", "result^{tree}"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return said.stdout.strip()


BROKEN_CAPS = (
    "select * from hekaton.account where spent_tokens + reserved_tokens > cap_tokens"
    " or spent_micros + reserved_micros > cap_micros or overrun_tokens > 0 or overrun_micros > 0"
)
WRONG_SUMS = """
select a.path, a.spent_tokens, a.reserved_tokens, a.spent_micros, a.reserved_micros from hekaton.account a
left join hekaton.call c on c.mission_id = a.mission_id and a.path = any(c.accounts)
group by a.mission_id, a.path having
   a.reserved_tokens <> coalesce(sum(c.reserved_tokens) filter (where c.state = 'open'), 0)
or a.reserved_micros <> coalesce(sum(c.reserved_micros) filter (where c.state = 'open'), 0)
or a.spent_micros <> coalesce(sum(c.micros), 0)
or a.spent_tokens <> coalesce(sum(case c.state when 'settled' then c.prompt_tokens + c.completion_tokens
                                               when 'unknown' then c.reserved_tokens else 0 end), 0)
"""
"""Accounts that are not the sum of their calls, in one snapshot."""
REPEATED = "select path from hekaton.call where state = 'settled' group by mission_id, path having count(*) > 1"
OPEN = "select id from hekaton.call where state = 'open'"


def disagreement(billed: Sequence[BilledCall], calls: Sequence[Any]) -> None:
    """Every bill is a settled call's, or covered by the reservation of one unknown or under way."""
    left = Counter((one.model, one.prompt_tokens, one.completion_tokens) for one in billed)
    settled = Counter(
        (row["model"], row["prompt_tokens"], row["completion_tokens"])
        for row in calls
        if row["state"] == "settled" and not row["estimated"]
    )
    assert settled - left == Counter(), "settled, and never billed"
    covers: dict[str, list[int]] = {}
    for row in calls:
        if row["state"] in ("open", "unknown") or row["estimated"]:
            covers.setdefault(row["model"], []).append(row["reserved_tokens"])
    rest = sorted((left - settled).elements(), key=lambda one: one[1] + one[2], reverse=True)
    for model, many in Counter(one[0] for one in rest).items():
        reserved = sorted(covers.get(model, ()), reverse=True)
        bills = [one[1] + one[2] for one in rest if one[0] == model]
        assert many <= len(reserved), f"{model}: {bills} billed beyond what the ledger knows of"
        assert all(r >= b for r, b in zip(reserved, bills, strict=False)), (bills, reserved)


class Server:
    """A PostgreSQL of one test's own, to be stopped and started."""

    def __init__(self, data: Path, dsn: str) -> None:
        self.dsn = dsn
        self._data = data
        self._program, *self._options = shlex.split((data / "postmaster.opts").read_text())

    def crash(self) -> None:
        """As a power cut: nothing is written any more, all connections are gone."""
        self._pg_ctl("stop", "-m", "immediate")

    def start(self) -> None:
        log = str(self._data / "log")
        self._pg_ctl("start", "-o", shlex.join(self._options), "-l", log)

    def close(self) -> None:
        with suppress(subprocess.CalledProcessError):  # it is down already
            self._pg_ctl("stop", "-m", "immediate")

    def _pg_ctl(self, *words: str) -> None:
        mine = os.geteuid() == self._data.stat().st_uid
        subprocess.run(
            [Path(self._program).with_name("pg_ctl"), "-w", "-D", self._data, *words],
            user=None if mine else self._data.owner(), check=True, timeout=20,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip


class Pod:
    """A node pod's broker and agents, each a process; any of them can be killed and started again."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.formation = lab.home / "team.yaml"
        seats = (f"    - {{name: {role}, role: {role}, model: sim-strong}}\n" for role in ROLES)
        self.formation.write_text(TEAM + "".join(seats))
        self.bus = f"ipc://{lab.home}/pod/bus"
        self.broker: Child | None = None
        self.agents: dict[str, Child] = {}

    async def up(self) -> None:
        await self.start_broker()
        for role in ROLES:
            await self.start_agent(role)

    async def start_broker(self) -> None:
        control = f"ipc://{self.lab.home}/pod/control"
        self.broker = await self.lab.start("broker", "--bus", self.bus, "--control", control)

    async def start_agent(self, role: str) -> None:
        self.agents[role] = await self.lab.start(
            "agent", "--bus", self.bus, "--formation", self.formation, "--role", role,
            "--base-url", f"{self.lab.url}/v1",
        )  # fmt: skip

    async def conduct(self) -> Child:
        for role in ROLES:
            assert await self.agents[role].until(lambda one: bool(one.lines))
        return await self.lab.start(
            "conductor", DURATIONS, "--bus", self.bus, "--formation", self.formation,
            "--base-url", f"{self.lab.url}/v1", "--json",
        )  # fmt: skip

    async def kill(self, child: Child | None) -> None:
        assert child is not None
        child.send(signal.SIGKILL)
        await self.lab.ended(child)


class Opener(Protocol):
    """Opens a lab: `seconds` and `per_token` are the models' pace."""

    def __call__(
        self, seconds: float = ..., per_token: float = ..., faults: Faults = ..., dsn: str = ...
    ) -> AbstractAsyncContextManager[Lab]: ...


@pytest.fixture
def home() -> Iterator[Path]:
    """Short, since sockets lie in it."""
    folder = Path(tempfile.mkdtemp(prefix="hf-", dir="/tmp"))
    (folder / "tmp").mkdir()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def open_lab(home: Path, dsn: str) -> Opener:
    given = dsn

    @asynccontextmanager
    async def opened(
        seconds: float = LATENCY,
        per_token: float = 0.0002,
        faults: Faults | None = None,
        dsn: str = "",
    ) -> AsyncIterator[Lab]:
        models = tuple(
            SimulatedModel(name, 1.0, seconds, per_token) for name in ("sim-strong", "sim-fast")
        )
        book = load(DURATIONS.with_suffix(".book.yaml").read_text())
        async with serve(SimulatedSettings(models, book, faults=faults or Faults())) as url:
            lab = Lab(home, dsn or given, url)
            try:
                yield lab
            finally:
                await lab.end_all()

    return opened


@pytest.fixture
def server(home: Path) -> Iterator[Server]:
    home.chmod(0o755)
    with embedded(home) as dsn:
        server = Server(home / "postgres", dsn)
        yield server
        server.close()


@pytest.fixture
async def lab(open_lab: Opener) -> AsyncIterator[Lab]:
    async with open_lab() as opened:
        yield opened


@pytest.fixture
async def pod(open_lab: Opener) -> AsyncIterator[Pod]:
    """Its models take their time, so that whoever is killed has something in hand."""
    async with open_lab(seconds=0.4) as lab:
        pod = Pod(lab)
        await pod.up()
        yield pod


@pytest.fixture(scope="session")
def expected_tree(server_dsn: str) -> Iterator[str]:
    """The tree of the artifact that an undisturbed mission ends with."""
    folder = Path(tempfile.mkdtemp(prefix="hf-", dir="/tmp"))
    (folder / "tmp").mkdir()
    quiet = Lab(folder, server_dsn, "")
    try:
        subprocess.run(
            [sys.executable, "-m", "hekaton_runtime.cli.main", "run", DURATIONS, "--simulate", "--set", QUICK],
            env=quiet.environ(), check=True, capture_output=True, timeout=90,
        )  # fmt: skip
        yield tree_of(next((folder / "missions").iterdir()))
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def tree_on() -> Callable[[Path], str]:
    """Finds the hash of the accepted tree in a mission's folder."""
    return tree_of


@pytest.fixture
def durations() -> Path:
    return DURATIONS


@pytest.fixture
def altered(home: Path) -> Callable[..., Path]:
    """The mission with some lines replaced, as a file."""

    def write(**changes: str) -> Path:
        text = DURATIONS.read_text()
        for name, value in changes.items():
            text, many = re.subn(rf"(?m)^(\s+{name}): .*$", rf"\1: {value}", text)
            assert many == 1, name
        path = home / "altered.yaml"
        path.write_text(text)
        return path

    return write


@pytest.fixture
def conduct() -> Callable[..., Awaitable[Finished]]:
    """Work a lab's mission in this process, where patience can be short."""

    async def worked(lab: Lab, patience: Patience, record: Record | None = None) -> Finished:
        known = record or recorded(lab)
        spec = known.formation.spec
        models = endpoints(spec, Override(f"{lab.url}/v1"), {})
        async with connect(lab.dsn) as database, staffed(spec, models) as bus:
            await create(database, known)
            names = {name: one.model for name, one in models.items()}
            office = Office(database, bus, names, patience=patience)
            never = asyncio.get_running_loop().create_future()
            return await work(known, office, lambda event: None, never)

    return worked


def recorded(lab: Lab) -> Record:
    mission, formation = one_mission([DURATIONS], "", "", [QUICK])
    options = Options(home=str(lab.home), base_url=f"{lab.url}/v1")
    return Record(new_id(mission.metadata.name), mission, formation, options, int(time.time()))


@pytest.fixture
def open_calls() -> str:
    """The statement that finds calls without an end."""
    return OPEN
