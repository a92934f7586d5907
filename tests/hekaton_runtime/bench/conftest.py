"""Three small tasks, the shipped formation, and a simulated server that keeps every prompt it is sent."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hekaton_api.formation import Formation
from hekaton_api.load import load
from hekaton_runtime.bench.cases import Case, cases
from hekaton_runtime.bench.dataset import Problem
from hekaton_runtime.bench.drafting import Setting, from_dataset
from hekaton_runtime.bench.ledger import Held, held
from hekaton_runtime.bench.missions import Caps
from hekaton_runtime.bench.rows import Row
from hekaton_runtime.bench.working import Left, Reader, Works
from hekaton_runtime.cli.replaying import rerun
from hekaton_runtime.conductor.conduct import Halt
from hekaton_runtime.conductor.events import Event
from hekaton_runtime.conductor.naming import Endpoint
from hekaton_runtime.conductor.records import Options, Simulation
from hekaton_runtime.conductor.staff import staffed
from hekaton_runtime.conductor.work import Office
from hekaton_runtime.models.simulated.app import simulated_app
from hekaton_runtime.models.simulated.book import Book
from hekaton_runtime.models.simulated.book_yaml import load as load_book
from hekaton_runtime.models.simulated.server import serve
from hekaton_runtime.models.simulated.settings import SimulatedModel, SimulatedSettings
from hekaton_runtime.store.postgres import Database

ROOT = Path(__file__).resolve().parents[3]


def task(number: int, name: str, body: str, checks: str) -> Problem:
    """Its test bears a mark that no prompt may hold."""
    test = f"MARK = 'hidden-mark-{number}'\n\n\ndef check(candidate):\n    {checks}\n"
    prompt = f'def {name}(x):\n    """Task {number}: {name} of x."""\n'
    return Problem(
        task_id=f"Small/{number}", prompt=prompt, entry_point=name, test=test,
        canonical_solution=f"    {body}\n",
    )  # fmt: skip


@pytest.fixture
def problems() -> tuple[Problem, ...]:
    return (
        task(1, "double", "return 2 * x", "assert candidate(3) == 6"),
        task(2, "half", "return x / 2", "assert candidate(3) == 1.5"),
        task(3, "shout", "return x.upper() + '!'", "assert candidate('hey') == 'HEY!'"),
    )


@pytest.fixture
def dataset(tmp_path: Path, problems: tuple[Problem, ...]) -> Path:
    path = tmp_path / "small.jsonl"
    path.write_bytes(b"\n".join(msgspec.json.encode(one) for one in problems) + b"\n")
    return path


@pytest.fixture
def formation() -> Formation:
    (one,) = load(ROOT / "manifests" / "formations" / "simulated.yaml")
    assert isinstance(one, Formation)
    return one


@dataclass
class Heard:
    """What the server was asked: the text of every message."""

    prompts: list[str] = field(default_factory=list)

    def around(self, app: ASGIApp) -> ASGIApp:
        async def listening(scope: Scope, receive: Receive, send: Send) -> None:
            body = bytearray()

            async def keep() -> Message:
                message = await receive()
                body.extend(message.get("body", b""))
                return message

            await app(scope, keep, send)
            if body:
                said = json.loads(bytes(body))["messages"]
                self.prompts.append("\n".join(one["content"] for one in said))

        return listening


@dataclass
class Seen:
    """A view that keeps what it was told, and may stop the run after some missions."""

    rows: list[Row] = field(default_factory=list)
    lefts: list[Left] = field(default_factory=list)
    interrupt: "asyncio.Future[Halt] | None" = None
    stop_after: int = 10**6
    """Events."""
    events: int = 0

    def heard(self, case: Case, event: Event) -> None:
        self.events += 1
        if self.interrupt and self.events >= self.stop_after and not self.interrupt.done():
            self.interrupt.set_result(Halt("interrupted", "the test stops it"))

    def ended(self, row: Row) -> None:
        self.rows.append(row)

    def left(self, left: Left) -> None:
        self.lefts.append(left)


@dataclass
class Run:
    """One whole run against a database."""

    database: Database
    formation: Formation
    home: Path
    heard: Heard = field(default_factory=Heard)

    def cases(
        self,
        problems: tuple[Problem, ...],
        modes: tuple[str, ...],
        competence: float,
        tokens: int | None = None,
    ) -> tuple[Case, ...]:
        options = Options(home=str(self.home), simulation=Simulation(competence=competence))
        setting = Setting(self.formation, modes, (0,), Caps(tokens), options)
        return cases("test", from_dataset(problems, setting), self.formation, 1_700_000_000)

    @asynccontextmanager
    async def office(self, wanted: tuple[Case, ...], parallel: int) -> AsyncIterator[Office]:
        """A team on a server that knows the tasks' books."""
        simulation = wanted[0].record.options.simulation
        assert simulation is not None
        texts = dict.fromkeys(
            one.record.options.simulation.book
            for one in wanted
            if one.record.options.simulation is not None
        )
        entries = tuple(entry for text in texts for entry in load_book(text).entries)
        names = [model.name for model in self.formation.spec.models]
        models = tuple(SimulatedModel(name, simulation.competence) for name in names)
        settings = SimulatedSettings(models=models, book=Book(entries))
        async with serve(self.heard.around(simulated_app(settings))) as url:
            reached = {m.name: Endpoint(f"{url}/v1", m.id) for m in models}
            async with staffed(self.formation.spec, reached, max(4, parallel)) as bus:
                ids = {name: one.model for name, one in reached.items()}
                yield Office(self.database, bus, ids)

    async def work(
        self, wanted: tuple[Case, ...], parallel: int = 3, stop_after: int = 10**6
    ) -> tuple[Seen, tuple[Row | Left, ...]]:
        interrupt: asyncio.Future[Halt] = asyncio.get_running_loop().create_future()
        seen = Seen(interrupt=interrupt, stop_after=stop_after)
        async with self.office(wanted, parallel) as office:
            works = Works(office, Reader(self.database, rerun), seen, interrupt)
            done = await works.run(wanted, parallel)
        return seen, done

    async def proof(self, wanted: tuple[Case, ...]) -> Held:
        return await held(self.database, [one.record.id for one in wanted])


@pytest.fixture
def run(database: Database, formation: Formation, tmp_path: Path) -> Run:
    return Run(database, formation, tmp_path / "home")


@pytest.fixture
def make_row() -> Callable[..., Row]:
    def make(mode: str = "single", outcome: str = "PASS", **more: object) -> Row:
        facts: dict[str, object] = {
            "task": "Small/1", "mode": mode, "seed": 0, "complexity": "LOW", "tokens": 2000,
            "cost_micros": 1500, "latency": 2.5, "outcome": outcome, "reason": "acceptance passed",
            "loops": 0, "first_try": True, "accepted": True, "mission": "m-1", "spans": ((10.0, 12.5),),
        }  # fmt: skip
        return msgspec.convert({**facts, **more}, Row)

    return make
