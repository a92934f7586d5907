"""The engine: crashes anywhere lead to the same result, and nothing is performed twice."""

import asyncio
import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hekaton_runtime.brief import Brief
from hekaton_runtime.conductor.engine import Engine, Known
from hekaton_runtime.effects import All, Ask, Effect, Next, Note, Now, Spawn, Stop, Strategy
from hekaton_runtime.errors import ReplayDiverged, Unavailable
from hekaton_runtime.journal.entries import Body, Entry, pack, unpack
from hekaton_runtime.results import Answer, Clock, Noted, Result
from hekaton_runtime.strategies.steps import everything


class Crash(Exception):
    """The process dies here."""


class Tape:
    """A journal and a world in memory; dies after `lives` writes."""

    def __init__(
        self, entries: list[Entry], performed: list[str], lives: int, chance: random.Random
    ) -> None:
        self.entries = entries
        self.performed = performed
        self.lives = lives
        self.chance = chance

    async def perform(self, path: str, mark: bytes, effect: Effect) -> Result:
        for _ in range(self.chance.randrange(4)):
            await asyncio.sleep(0)
        self.performed.append(path)
        match effect:
            case Ask(agent=agent, brief=brief):
                text = f"{agent}:{brief.task}"
                result: Result = Answer(text=text, agent=agent, model="m", tokens=1, micros=0)
            case Now():
                result = Clock(at=float(self.chance.randrange(10**6)))
            case _:
                result = Noted()
        await self.record(path, mark, result)
        return result

    async def record(self, path: str, mark: bytes, body: Body) -> None:
        if self.lives <= 0:
            raise Crash
        self.lives -= 1
        assert path not in {entry.path for entry in self.entries}, "a path is never written twice"
        self.entries.append(Entry(path, mark, unpack(pack(body))))


def ask(agent: str, task: str) -> Ask:
    return Ask(agent=agent, brief=Brief(step="build", goal="g", task=task), answer="patch")


def work(name: str, steps: int) -> Strategy:
    said = ""
    for step in range(steps):
        answer = yield ask(name, f"{said}{step}")
        said = answer.text[-6:]
    return said


def mission() -> Strategy:
    """Branches of uneven length, a race, an interruption, independent effects and the clock."""
    plan = yield ask("architect", "plan")
    clock = yield Now()
    views = yield from everything({f"r{i}": work(f"r{i}", i + 1) for i in range(3)})
    yield Spawn("long", work("long", 6))
    yield Spawn("short", work("short", 1))
    first, value = yield Next(("long", "short"))
    other = "short" if first == "long" else "long"
    partial = yield Stop(other)
    both = yield All((ask("a", value), ask("b", str(len(partial)))))
    yield Note(phase="end")
    return plan.text, clock.at, sorted(views.items()), first, len(partial), [x.text for x in both]


def run(tape: Tape, strategy: Callable[[], Strategy] = mission) -> object:
    return asyncio.run(Engine(Known(tape.entries), tape).run(strategy()))


@given(seed=st.integers(0, 10**6), crashes=st.lists(st.integers(0, 12), max_size=6))
def test_a_mission_crashed_anywhere_ends_as_its_journal_says(seed: int, crashes: list[int]) -> None:
    entries: list[Entry] = []
    performed: list[str] = []
    chance = random.Random(seed)
    for lives in crashes:
        try:
            run(Tape(entries, performed, lives, chance))
        except Crash:
            continue
    ended = run(Tape(entries, performed, 1000, chance))
    replayed: list[str] = []
    assert run(Tape(entries, replayed, 0, chance)) == ended
    assert replayed == []


def test_a_replay_performs_nothing_of_a_branch_that_was_given_up() -> None:
    def fail() -> Strategy:
        yield Note(phase="x")
        raise ValueError("broken")

    def parent() -> Strategy:
        yield Spawn("long", work("long", 50))
        yield Spawn("bad", fail())
        try:
            yield Next(("long", "bad"))
        except ValueError:
            return "given up"

    entries: list[Entry] = []
    for seed in range(20):
        assert run(Tape(entries, [], 1000, random.Random(seed)), parent) == "given up"
        replayed: list[str] = []
        assert run(Tape(entries, replayed, 0, random.Random(seed)), parent) == "given up"
        assert replayed == []
        entries.clear()


def test_every_effect_is_performed_once_without_a_crash() -> None:
    performed: list[str] = []
    run(Tape([], performed, 1000, random.Random(1)))
    assert len(performed) == len(set(performed))


def test_a_changed_question_at_a_journaled_place_is_divergence() -> None:
    def before() -> Strategy:
        return (yield ask("a", "old"))

    def after() -> Strategy:
        return (yield ask("a", "new"))

    entries: list[Entry] = []
    run(Tape(entries, [], 10, random.Random(1)), before)
    with pytest.raises(ReplayDiverged, match="finish it with that version, or run it anew"):
        run(Tape(entries, [], 10, random.Random(1)), after)


def test_a_failure_of_a_branch_reaches_the_strategy_that_waits_for_it() -> None:
    def fail() -> Strategy:
        yield Note(phase="x")
        raise ValueError("broken")

    def parent() -> Strategy:
        yield Spawn("a", fail())
        try:
            yield Next(("a",))
        except ValueError as fault:
            return f"handled {fault}"

    assert run(Tape([], [], 10, random.Random(1)), parent) == "handled broken"


def test_the_first_failure_of_effects_at_once_is_the_one_that_is_raised() -> None:
    def parent() -> Strategy:
        return (yield All((ask("a", "x"), ask("b", "y"))))

    with pytest.raises(Crash):
        run(Tape([], [], 0, random.Random(1)), parent)


def test_a_cancelled_mission_leaves_no_branch_running() -> None:
    ended: list[str] = []

    def hang(name: str) -> Strategy:
        try:
            while True:
                yield Note(phase=name)
        finally:
            ended.append(name)

    def parent() -> Strategy:
        yield Spawn("a", hang("a"))
        yield Spawn("b", hang("b"))
        yield Next(("a", "b"))

    async def cancelled() -> int:
        task = asyncio.create_task(
            Engine(Known([]), Tape([], [], 10**6, random.Random(1))).run(parent())
        )
        await asyncio.sleep(0.02)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return len(asyncio.all_tasks())

    assert asyncio.run(cancelled()) == 1
    assert sorted(ended) == ["a", "b"]


class Full(Tape):
    """A machine that has no room any more for what one agent asks for."""

    async def perform(self, path: str, mark: bytes, effect: Effect) -> Result:
        if isinstance(effect, Ask) and effect.agent == "r1":
            raise Unavailable("no room")
        return await super().perform(path, mark, effect)


async def test_a_branch_that_the_machine_cut_short_goes_on_when_the_mission_is_resumed() -> None:
    entries: list[Entry] = []
    performed: list[str] = []
    full, roomy = (kind(entries, performed, 1000, random.Random(1)) for kind in (Full, Tape))
    with pytest.raises(Unavailable):
        await Engine(Known(entries), full).run(mission())
    async with asyncio.timeout(20):
        await Engine(Known(entries), roomy).run(mission())
    assert len(performed) == len(set(performed))
