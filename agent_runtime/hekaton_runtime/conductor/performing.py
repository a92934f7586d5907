"""Perform each effect at its door, and journal the result before the strategy sees it."""

import asyncio
import time
from typing import assert_never

from msgspec.structs import replace

from hekaton_runtime.conductor.asking import Asker
from hekaton_runtime.conductor.events import Executed, Joined, Progress
from hekaton_runtime.conductor.rounds import Rounder
from hekaton_runtime.conductor.sharing import share
from hekaton_runtime.effects import (
    Ask,
    Effect,
    Examine,
    Merge,
    Note,
    Now,
    Pause,
    Read,
    Round,
    Run,
    Share,
    Write,
)
from hekaton_runtime.journal.entries import Body
from hekaton_runtime.journal.postgres import Journal
from hekaton_runtime.results import Clock, Examined, Merged, Noted, Ran, Result
from hekaton_runtime.review.telling import notes
from hekaton_runtime.strategies.modes import EDITION
from hekaton_runtime.workspace.protocol import Workspace


class Doors:
    """The performer that the engine drives in earnest."""

    def __init__(
        self,
        journal: Journal,
        asker: Asker,
        rounder: Rounder,
        workspace: Workspace,
        commands: int = 2,
    ) -> None:
        self._journal = journal
        self._asker = asker
        self._rounder = rounder
        self._workspace = workspace
        self._slots = asyncio.Semaphore(commands)  # commands of several tasks at once

    async def perform(self, path: str, mark: bytes, effect: Effect) -> Result:
        if isinstance(effect, Ask):
            return await self._asker.ask(path, mark, effect)  # journaled with its settlement
        result = await self._result(path, effect)
        if isinstance(effect, Note):
            await self._journal.note(path, mark, result, effect)
        else:
            await self._journal.append(path, mark, result)
        return result

    async def record(self, path: str, mark: bytes, body: Body) -> None:
        await self._journal.append(path, mark, body)

    async def _result(
        self,
        path: str,
        effect: Round | Read | Write | Run | Examine | Merge | Note | Now | Pause | Share,
    ) -> Result:
        match effect:
            case Round():
                return await self._rounder.perform(path, effect)
            case Read() | Write() | Run() | Examine() | Merge():
                return await self._work(effect)
            case Note():
                self._asker.watch(_progress(effect))
                return Noted()
            case Now():
                return Clock(at=time.time())
            case Pause():
                await asyncio.sleep(effect.seconds)
                return Clock(at=time.time())
            case Share():
                return await share(self._asker.purse, effect)
            case _:
                assert_never(effect)

    async def _work(self, effect: Read | Write | Run | Examine | Merge) -> Result:
        match effect:
            case Read():
                return await self._workspace.read(effect)
            case Write():
                return await self._workspace.write(effect)
            case Run():
                return await self._run(effect)
            case Examine():
                return await self._examine(effect)
            case Merge():
                return await self._merge(effect)
            case _:
                assert_never(effect)

    async def _examine(self, effect: Examine) -> Examined:
        async with self._slots:
            examined = await self._workspace.examine(effect)
        self._asker.watch(Progress(phase="audit", text=" ".join(notes(examined))))
        return examined

    async def _run(self, effect: Run) -> Ran:
        async with self._slots:
            ran = await self._workspace.run(effect)
        self._asker.watch(
            Executed(
                branch=effect.branch, command=ran.command, passed=ran.passed, seconds=ran.seconds
            )
        )
        return ran

    async def _merge(self, effect: Merge) -> Result:
        merged = await self._workspace.merge(effect)
        why = "" if isinstance(merged, Merged) else f"{merged.kind}: {merged.detail}"
        self._asker.watch(Joined(source=effect.source, into=effect.into, why=why))
        return replace(merged, edition=EDITION) if isinstance(merged, Merged) else merged


def _progress(note: Note) -> Progress:
    return Progress(
        phase=note.phase, text=note.text, round=note.round, wave=note.wave,
        tasks_done=note.tasks_done, tasks_total=note.tasks_total,
    )  # fmt: skip
