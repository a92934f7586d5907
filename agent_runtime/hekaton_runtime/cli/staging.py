"""Where the missions of `bench` and `compare` are worked: a team for each seed, and what ended before is read back."""

import asyncio
import signal
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from hekaton_api.formation import FormationSpec
from hekaton_runtime.bench.cases import Case, Draft, code_digest
from hekaton_runtime.bench.drafting import whole
from hekaton_runtime.bench.rows import Row
from hekaton_runtime.bench.working import Left, Reader, View, Works, check_same
from hekaton_runtime.cli.replaying import rerun
from hekaton_runtime.cli.running import reached
from hekaton_runtime.conductor.conduct import Halt
from hekaton_runtime.conductor.records import Options, Record, Simulation
from hekaton_runtime.conductor.staff import staffed
from hekaton_runtime.conductor.work import Office
from hekaton_runtime.settings import Settings
from hekaton_runtime.store.postgres import Database


def code() -> str:
    """Of everything that decides what models are asked: another version's results are not ours."""
    package = Path(__file__).resolve().parent.parent
    files = [
        path
        for folder in ("strategies", "prompts", "agents")
        for path in (package / folder).rglob("*")
        if path.suffix in (".py", ".j2")
    ]
    return code_digest([(str(path.relative_to(package)), path.read_bytes()) for path in files])


def interruptible(how_on: str) -> "asyncio.Future[Halt]":
    """Done on Ctrl-C or SIGTERM; `how_on` says how to go on."""
    interrupt: asyncio.Future[Halt] = asyncio.get_running_loop().create_future()

    def stop(name: str) -> None:
        if not interrupt.done():
            interrupt.set_result(Halt("interrupted", f"{name}; {how_on}"))

    for number, name in ((signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "terminated")):
        asyncio.get_running_loop().add_signal_handler(number, stop, name)
    return interrupt


async def read_back(reader: Reader, wanted: Sequence[Case]) -> tuple[list[Row], list[Case]]:
    """The rows of missions that ended earlier, and the cases that are left to do. Raises `BadInput`
    where a name stands for another mission."""
    there = await reader.there(wanted)
    await check_same(reader.database, wanted, there)
    known: list[Row] = []
    pending: list[Case] = []
    for case in wanted:
        row = await reader.row(case) if case.record.id in there else None
        if row is None or row.resumable:
            pending.append(case)
        else:
            known.append(row)
    return known, pending


@dataclass(frozen=True, slots=True)
class Hall:
    """What all stages of a run share."""

    settings: Settings
    database: Database
    looking: View
    interrupt: "asyncio.Future[Halt]"
    parallel: int

    async def work(
        self, spec: FormationSpec, drafts: Sequence[Draft], pending: Sequence[Case]
    ) -> list[Row | Left]:
        """One stage a seed: a simulated server has one, and real models need no second stage.

        `drafts`: those of the whole formation, whose books the simulated models know.
        """
        done: list[Row | Left] = []
        for seed in dict.fromkeys(case.seed for case in pending):
            here = [case for case in pending if case.seed == seed]
            if self.interrupt.done():
                done += [Left(case, "not begun") for case in here]
                continue
            done += await self._stage(spec, whole(drafts, seed), here)
        return done

    async def _stage(
        self, spec: FormationSpec, simulation: Simulation | None, here: Sequence[Case]
    ) -> tuple[Row | Left, ...]:
        async with AsyncExitStack() as stack:
            team = _team(here[0].record, simulation)
            models = await stack.enter_async_context(reached(team, self.settings))
            bus = await stack.enter_async_context(staffed(spec, models, max(4, self.parallel)))
            names = {name: one.model for name, one in models.items()}
            office = Office(
                self.database, bus, names, lease=self.settings.lease, workers=self.settings.workers
            )
            works = Works(office, Reader(self.database, rerun), self.looking, self.interrupt)
            return await works.run(here, self.parallel)


def _team(one: Record, simulation: Simulation | None) -> Record:
    """Any record of the stage, but with the books of all: what its team is reached by."""
    options = Options(
        home=one.options.home, base_url=one.options.base_url, model=one.options.model,
        simulation=simulation,
    )  # fmt: skip
    return Record(one.id, one.mission, one.formation, options, one.created)
