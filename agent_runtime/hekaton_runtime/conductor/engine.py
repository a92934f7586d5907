"""Drive a strategy: hand each effect to the performer once, ever, and its journaled result to the strategy.

The engine knows nothing of models, git or Postgres. Concurrency, replay and interruption live here alone.
A journal key is the effect's *path* (branch names and step numbers), so concurrent branches never disturb
each other's keys; which branch ended first is journaled as well.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any, Protocol, assert_never

from hekaton_runtime.conductor.horizons import Horizons
from hekaton_runtime.effects import (
    All,
    Ask,
    Effect,
    Examine,
    Merge,
    Next,
    Note,
    Now,
    Pause,
    Read,
    Round,
    Run,
    Share,
    Spawn,
    Stop,
    Strategy,
    Wish,
    Write,
)
from hekaton_runtime.errors import HekatonError, ReplayDiverged
from hekaton_runtime.journal.entries import (
    NEXT,
    STOP,
    Body,
    ChoseNext,
    Entry,
    StoppedBranch,
    fingerprint,
)
from hekaton_runtime.journal.shape import Shape, fits
from hekaton_runtime.results import Result

MACHINE = (HekatonError, OSError)
"""What a performer raises; all else that ends a branch is its strategy's own doing, and replays."""
OTHER_VERSION = "The mission was begun by another version of its strategy: finish it with that version, or run it anew."
DAMAGED = (
    "The journal is damaged: restore the database from a backup, or run the mission's file anew."
)


class Performer(Protocol):
    """Does what the strategy asks, and journals each result before it returns it."""

    async def perform(self, path: str, mark: bytes, effect: Effect) -> Result:
        """Perform and journal. Raises what ends the mission (`Fenced`, `Unavailable`)."""
        ...

    async def record(self, path: str, mark: bytes, body: Body) -> None:
        """Journal something that is no effect's result (`ChoseNext`, `StoppedBranch`)."""
        ...


class Known:
    """What earlier conductors journaled, by path; grows as this one goes on."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._entries = {entry.path: entry for entry in entries}
        self._shape = Shape(self._entries)

    def find(self, path: str, mark: bytes, what: object) -> Body | None:
        """The body at `path`; raises `ReplayDiverged` where the journal answers something else."""
        entry = self._entries.get(path)
        if entry is None:
            return None
        if entry.fingerprint != mark:
            raise ReplayDiverged(
                f"{path}: the journal holds the answer to another question than {_brief(what)}. {OTHER_VERSION}"
            )
        return entry.body

    def end_here(self, path: str) -> None:
        """Whoever goes on at `path` must be at the journal's end; raises `ReplayDiverged` in a hole."""
        if self._shape.is_hole(path):
            raise ReplayDiverged(
                f"{path}: the journal has no entry here, though it has later ones. {DAMAGED}"
            )

    def is_new(self, body: str, step: int) -> bool:
        """Did earlier conductors journal neither this step of the body nor a later one?"""
        return self._shape.is_new(body, step)

    def all_heard(self, body: str, steps: int, branches: Iterable[str]) -> None:
        """Raises `ReplayDiverged` where the journal went further than a body that has ended."""
        if beyond := self._shape.beyond(body, steps, branches):
            raise ReplayDiverged(
                f"{beyond[0]}: the journal goes on where the strategy has ended. {OTHER_VERSION}"
            )

    def add(self, path: str, mark: bytes, body: Body) -> None:
        self._entries[path] = Entry(path, mark, body, time.time())

    def at(self, path: str) -> float:
        """When it was journaled, for people."""
        return self._entries[path].at

    def under(self, path: str) -> tuple[str, ...]:
        """Paths below a branch's, in the order in which they became known."""
        return tuple(p for p in self._entries if p.startswith(path + "/"))

    def bodies(self, paths: Iterable[str]) -> tuple[Body, ...]:
        return tuple(self._entries[path].body for path in paths)


@dataclass(frozen=True, slots=True)
class Moment:
    """An effect and what came back."""

    path: str
    effect: Effect
    result: Body
    at: float
    """Seconds since 1970."""


class Course:
    """What happened, in the order in which the strategy heard of it; replay gives it again."""

    def __init__(self, seen: Callable[[Moment], None] = lambda moment: None) -> None:
        self.moments: list[Moment] = []
        self._seen = seen

    def add(self, moment: Moment) -> None:
        self.moments.append(moment)
        self._seen(moment)


class Branches:
    """The running branches of one strategy body."""

    def __init__(self) -> None:
        self.tasks: dict[str, asyncio.Task[Any]] = {}
        self.names: set[str] = set()
        """Of all that were ever started."""

    def start(self, name: str, work: Coroutine[Any, Any, Any]) -> None:
        self.names.add(name)
        self.tasks[name] = asyncio.create_task(work, name=name)

    async def end(self, names: Iterable[str]) -> None:
        tasks = [self.tasks.pop(name) for name in tuple(names)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Engine:
    """Runs strategies against one journal."""

    def __init__(self, known: Known, performer: Performer, course: "Course | None" = None) -> None:
        self._known = known
        self._performer = performer
        self._course = course if course is not None else Course()
        self._horizons = Horizons()

    async def run(self, strategy: Strategy, path: str = "") -> Any:
        """The strategy's return value. Its exceptions and the performer's come through unchanged."""
        branches = Branches()
        step = 0
        try:
            wish = next(strategy)
            while True:
                here = f"{path}/{step}"
                if self._known.is_new(path, step):
                    self._horizons.reach(path)
                step += 1
                try:
                    value = await self._grant(here, wish, path, branches)
                except asyncio.CancelledError:
                    raise
                except (
                    Exception
                ) as fault:  # a branch's failure belongs to the strategy that waits for it
                    wish = strategy.throw(fault)
                else:
                    wish = strategy.send(value)
        except StopIteration as end:
            self._known.all_heard(path, step, branches.names)
            return end.value
        finally:
            await branches.end(branches.tasks)
            strategy.close()

    async def _grant(self, here: str, wish: Wish, path: str, branches: Branches) -> Any:
        match wish:
            case Spawn(name=name, body=body):
                branches.start(name, self._branch(f"{path}/{name}", body))
                return None
            case Next(names=names):
                return await self._next(here, names, branches)
            case Stop(name=name):
                return await self._stop(f"{path}/{name}", name, branches)
            case All(effects=effects):
                return await self._all(here, effects)
            case Ask() | Round() | Read() | Write() | Run() | Merge() | Note() | Now():
                return await self._effect(here, wish)
            case Pause() | Share() | Examine():
                return await self._effect(here, wish)
            case _:
                assert_never(wish)

    async def _branch(self, path: str, body: Strategy) -> Any:
        """A branch that an earlier conductor stopped replays what it had and goes no further."""
        if self._known.find(f"{path}!", STOP, "a stopped branch") is None:
            return await self.run(body, path)
        return await Engine(self._known, Suspended(), self._course).run(body, path)

    async def _effect(self, path: str, effect: Effect) -> Any:
        mark = fingerprint(effect)
        result = self._known.find(path, mark, effect)
        if result is None:
            self._known.end_here(path)
            await self._horizons.clear(path)
            result = await self._performer.perform(path, mark, effect)
            self._known.add(path, mark, result)
        elif not fits(effect, result):
            said = type(result).__name__
            raise ReplayDiverged(f"{path}: {said} is no answer to {_brief(effect)}. {DAMAGED}")
        self._course.add(Moment(path, effect, result, self._known.at(path)))
        return result

    async def _all(self, here: str, effects: tuple[Effect, ...]) -> tuple[Any, ...]:
        try:
            return await self._together(here, effects)
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None  # the strategy asked for results, not for a group

    async def _together(self, here: str, effects: tuple[Effect, ...]) -> tuple[Any, ...]:
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._effect(f"{here}.{i}", one)) for i, one in enumerate(effects)
            ]
        return tuple(task.result() for task in tasks)

    async def _next(self, here: str, names: tuple[str, ...], branches: Branches) -> tuple[str, Any]:
        known = self._known.find(here, NEXT, f"the end of any of {names}")
        if known is not None:
            if not (isinstance(known, ChoseNext) and known.name in names):
                raise ReplayDiverged(f"{here}: {known} is not the end of any of {names}. {DAMAGED}")
            name = known.name
        else:
            self._known.end_here(here)
            await self._horizons.clear(here)
            await asyncio.wait(
                [branches.tasks[n] for n in names], return_when=asyncio.FIRST_COMPLETED
            )
            name = next(n for n in names if branches.tasks[n].done())
            # A branch that the machine cut short has not ended: who resumes goes on with it.
            if not isinstance(branches.tasks[name].exception(), MACHINE):
                await self._record(here, NEXT, ChoseNext(name=name))
        return name, await branches.tasks.pop(name)

    async def _stop(self, path: str, name: str, branches: Branches) -> tuple[Body, ...]:
        known = self._known.find(f"{path}!", STOP, f"the stop of {name}")
        await branches.end([name])
        if not isinstance(known, StoppedBranch):
            await self._horizons.clear(path)
            known = StoppedBranch(name=name, had=self._known.under(path))
            await self._record(f"{path}!", STOP, known)
        return self._known.bodies(known.had)

    async def _record(self, path: str, mark: bytes, body: Body) -> None:
        await self._performer.record(path, mark, body)
        self._known.add(path, mark, body)


class Suspended:
    """Performs nothing, for ever: the performer of a branch that was stopped."""

    async def perform(self, path: str, mark: bytes, effect: Effect) -> Result:
        await asyncio.Event().wait()
        raise AssertionError("an event that nobody sets")

    async def record(self, path: str, mark: bytes, body: Body) -> None:
        await asyncio.Event().wait()


def _brief(what: object) -> str:
    text = str(what)
    return text if len(text) <= 120 else text[:117] + "..."
