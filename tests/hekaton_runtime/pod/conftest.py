"""A formation's pod and a mission's pod as processes of this machine, wired as in a cluster.

CURVE on the ipc socket and on tcp, a router that wants permits, commands behind a socket. The models
are simulated and served by a process of their own.
"""

import asyncio
import base64
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

MISSIONS = Path(__file__).resolve().parents[3] / "manifests" / "missions"
ROLES = ("reasoner", "sapper", "auditor")
TEAM = """
apiVersion: hekaton.dev/v1alpha1
kind: Formation
metadata: {name: simulated}
spec:
  models:
    - {name: strong, engine: external, model: simulated/sim-strong, endpoint: "URL",
       contextLength: 32768, price: {inputPerMTok: 1.25, outputPerMTok: 10}}
  roles:
"""
PATIENCE = 90.0


@dataclass
class Part:
    """One process and what it said."""

    process: "subprocess.Popen[str]"
    lines: list[str] = field(default_factory=list)
    reader: threading.Thread | None = None

    def read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def until(self, pattern: str) -> str:
        """The first group of the first line that fits."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            for line in tuple(self.lines):
                if found := re.search(pattern, line):
                    return found[1] if found.groups() else found[0]
            assert self.process.poll() is None, self.lines
            time.sleep(0.02)
        raise TimeoutError(f"{pattern!r} was not said: {self.lines}")

    def ended(self) -> int:
        code = self.process.wait(PATIENCE)
        if self.reader is not None:
            self.reader.join(10)
        return code

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.ended()


@dataclass
class Node:
    """A home, a database and the processes of one test module."""

    home: Path
    dsn: str
    parts: list[Part] = field(default_factory=list)

    @property
    def tenant(self) -> str:
        """The role of the namespace that missions are in."""
        return urlsplit(self.dsn).path.strip("/") + ".team"

    def start(self, *words: str | Path, **more: str) -> Part:
        process = subprocess.Popen(
            [sys.executable, "-m", "hekaton_runtime.cli.main", *map(str, words)],
            env={**self.environ(), **more}, cwd=self.home, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        part = Part(process)
        part.reader = threading.Thread(target=part.read, daemon=True)
        part.reader.start()
        self.parts.append(part)
        return part

    def environ(self) -> dict[str, str]:
        parts = urlsplit(self.dsn)
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "HEKATON_HOME": str(self.home / "work"),
            "HEKATON_LEASE": "2",
            "HEKATON_DB_HOST": parse_qs(parts.query)["host"][0],
            "HEKATON_DB_PORT": "5432",
            "HEKATON_DB_NAME": parts.path.strip("/"),
            "HEKATON_DB_USER": "postgres",
        }

    def sql(self, text: str, *args: object) -> list[asyncpg.Record]:
        async def ask() -> list[asyncpg.Record]:
            link = await asyncpg.connect(self.dsn)
            try:
                return await link.fetch(text, *args)
            finally:
                await link.close()

        return asyncio.run(ask())

    def settled(self, mission: str) -> list[asyncpg.Record]:
        """Calls that were answered and paid for, in this order."""
        return self.sql(
            "select id, closed_at from hekaton.call where mission_id = $1 and state = 'settled'"
            " order by closed_at",
            mission,
        )

    def repeated(self, mission: str) -> list[asyncpg.Record]:
        """Questions that were answered and paid for more than once."""
        return self.sql(
            "select path from hekaton.call where mission_id = $1 and state = 'settled'"
            " group by path having count(*) > 1",
            mission,
        )

    def end(self) -> None:
        for part in self.parts:
            if part.process.poll() is None:
                part.process.kill()
            part.ended()
            assert part.process.stdout is not None
            part.process.stdout.close()


@dataclass
class Pod:
    """A formation's pod."""

    node: Node
    formation: Path
    keys: Path
    permits: Path
    tcp: str = ""
    base: str = ""
    router: Part = field(init=False)
    crew: list[Part] = field(default_factory=list)
    """Broker and agents."""
    health: dict[str, str] = field(default_factory=dict)

    def up(self, latency: float) -> None:
        """Start everything and wait until all of it is ready."""
        node = self.node
        models = node.start("simulate", "--port", "0", "--latency", f"{latency:g}", "--book", BOOK)
        url = models.until(r"SIMULATED models at (\S+)")
        seats = (f"    - {{name: {role}, role: {role}, model: strong}}\n" for role in ROLES)
        self.formation.write_text(TEAM.replace("URL", url) + "".join(seats))
        assert node.start("keys", self.keys, "conductor", *ROLES).ended() == 0
        self.route()
        self.staff()

    def route(self) -> None:
        """Start the router, where it was before."""
        listen = urlsplit(self.base).netloc if self.base else "127.0.0.1:0"
        self.router = self.node.start(
            "router", "--formation", self.formation, "--listen", listen,
            "--permits", self.permits, "--health-port", "0",
        )  # fmt: skip
        self.base = self.router.until(r"router: (\S+)")
        self.watch("router", self.router)

    def staff(self) -> None:
        """Start broker and agents, where they were before."""
        bus = f"ipc://{self.node.home}/run/bus"
        broker = self.node.start(
            "broker", "--bus", self.tcp or "tcp://127.0.0.1:0", "--bus", bus,
            "--control", "tcp://0.0.0.0:0", "--keys", self.keys, "--formation", self.formation,
            "--health-port", "0",
        )  # fmt: skip
        self.tcp = broker.until(r"broker: (\S+)")
        agents = [
            self.node.start(
                "agent", "--bus", bus, "--formation", self.formation, "--role", role,
                "--instances", "2", "--base-url", self.base, "--keys", self.keys,
                "--health-port", "0",
            )
            for role in ROLES
        ]  # fmt: skip
        self.crew = [broker, *agents]
        self.watch("broker", broker)
        self.watch("agent", agents[0])

    def watch(self, name: str, part: Part) -> None:
        """Wait until it is ready."""
        self.health[name] = part.until(r"health: (\S+)").replace("0.0.0.0", "127.0.0.1")
        self.until_ready(name)

    def renew(self) -> None:
        """Other keys lie where these lay, as the kubelet puts them there."""
        self.permits.write_text(base64.b64encode(os.urandom(32)).decode())
        made = self.node.home / f"keys-{uuid.uuid4().hex}"
        assert self.node.start("keys", made, "conductor", *ROLES).ended() == 0
        for file in made.iterdir():
            file.replace(self.keys / file.name)

    def until_ready(self, name: str) -> None:
        until = time.monotonic() + PATIENCE
        while (said := self.get(name, "/readyz"))[0] != 200:
            assert time.monotonic() < until, said
            time.sleep(0.1)

    def get(self, name: str, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(self.health[name] + path, timeout=10) as said:
                return said.status, said.read().decode()
        except urllib.error.HTTPError as fault:
            with fault:
                return fault.code, fault.read().decode()

    def conduct(self, mission: str, file: Path, *words: str | Path, **more: str) -> Part:
        """As in a cluster: by the role of the mission's namespace, which owns no table."""
        return self.node.start(
            "conductor", "--id", mission, "--formation", self.formation, "--bus", self.tcp,
            "--keys", self.keys, "--permits", self.permits, *words, "--plain", file,
            **{"HEKATON_DB_USER": self.node.tenant, **more},
        )  # fmt: skip


BOOK = MISSIONS / "duration-library.book.yaml"


@pytest.fixture(scope="module")
def node(server_dsn: str) -> Iterator[Node]:
    """Its folders are short, since sockets lie in them."""
    home = Path(tempfile.mkdtemp(prefix="hp-", dir="/tmp"))
    for name in ("run", "work"):
        (home / name).mkdir()
    name = f"t{uuid.uuid4().hex[:12]}"
    admin = Node(home, server_dsn)
    admin.sql(f"create database {name}")
    made = Node(home, server_dsn.replace("/postgres?", f"/{name}?"))
    try:
        yield made
    finally:
        made.end()
        admin.sql(f"drop database {name} with (force)")
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="module")
def pod(node: Node) -> Pod:
    permits = node.home / "permits"
    permits.write_text(base64.b64encode(os.urandom(32)).decode())
    made = Pod(node, node.home / "team.yaml", node.home / "keys", permits)
    migrating = node.start("migrate")
    made.up(latency=0.05)
    assert migrating.ended() == 0
    node.sql("select hekaton.tenant($1, 'unasked', 'team')", node.tenant)
    return made


@pytest.fixture(scope="module")
def workspace(node: Node) -> Callable[[], Path]:
    """Starts the workspace container's process; gives its socket."""

    def start() -> Path:
        socket = node.home / "run" / "workspace.sock"
        part = node.start("workspace", "--socket", socket, "--root", node.home)
        part.until("workspace: ")
        return socket

    return start


@pytest.fixture(scope="module")
def mission_file(node: Node) -> Path:
    """As the operator writes it: with the mission's namespace, which the formation's snapshot lacks."""
    text = (MISSIONS / "duration-library.yaml").read_text()
    file = node.home / "mission.yaml"
    file.write_text(
        text.replace(
            "  name: duration-library\n", "  name: duration-library\n  namespace: team\n", 1
        )
    )
    assert "namespace: team" in file.read_text()
    return file
