"""A stage for whole missions in memory: the real engine, a workspace of dicts, a ledger that watches itself."""

import asyncio
import itertools
import random
import selectors
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest

from hekaton_runtime.answers import (
    Ballot,
    Charter,
    Design,
    FileChange,
    Patch,
    Plan,
    Proposal,
    RatedTask,
    Reasoned,
    Review,
    Task,
    Triage,
    Views,
)
from hekaton_runtime.conductor.engine import Course, Engine, Known
from hekaton_runtime.effects import (
    Ask,
    Effect,
    Examine,
    Merge,
    Now,
    Pause,
    Read,
    Round,
    Run,
    Share,
    Write,
)
from hekaton_runtime.journal.entries import Body, Entry, pack, unpack
from hekaton_runtime.results import (
    Allotted,
    Answer,
    Asked,
    Clock,
    Examined,
    Files,
    HeardAll,
    Merged,
    Noted,
    Ran,
    Refused,
    Result,
    Shared,
    ToolReport,
    Written,
)
from hekaton_runtime.strategies.budgets import shares
from hekaton_runtime.strategies.modes import EDITION, concluded
from hekaton_runtime.strategies.values import Assignment, Conclusion, Rules, Seat, Team

SEATS = (
    Seat("analyst", "analyst", "small", "m1", 1),
    Seat("r1", "researcher", "small", "m1", 1),
    Seat("r2", "researcher", "small", "m1", 1),
    Seat("architect", "architect", "large", "m2", 9),
    Seat("s1", "sapper", "small", "m1", 1),
    Seat("s2", "sapper", "large", "m2", 9),
    Seat("auditor", "auditor", "large", "m2", 9),
)
GOOD = Review(correctness=9, style=8, security=9, test_coverage=8, summary="fine")
TASKS = (
    RatedTask(id="a", goal="do a", files=("a.py",), complexity="LOW"),
    RatedTask(id="b", goal="do b", files=("b.py",), complexity="HIGH"),
    RatedTask(id="c", goal="do c", files=("c.py",), needs=("a",)),
)


class Leap(selectors.SelectSelector):
    """Instead of waiting, the clock leaps to when the next thing is due."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0)
        if not found and timeout:
            self.now += timeout
        return found


class Virtual(asyncio.SelectorEventLoop):
    """A loop whose time passes only while everybody waits."""

    def __init__(self) -> None:
        self._leap = Leap()
        super().__init__(self._leap)

    def time(self) -> float:
        return self._leap.now


class Purses:
    """Accounts in memory, under the rules of the database; breaks the test where a cap is exceeded."""

    def __init__(self, cap: int) -> None:
        self.caps = {"": cap}
        self.spent: dict[str, int] = {}
        self.reserved: dict[str, int] = {}
        self.changed = asyncio.Condition()
        self.flying = 0

    def left(self, account: str) -> int:
        if account not in self.caps:
            return 10**18
        return self.caps[account] - self.spent.get(account, 0) - self.reserved.get(account, 0)

    async def open(self, chain: Sequence[str], tokens: int) -> str:
        """The account that has no room; empty when it is reserved."""
        async with self.changed:
            while short := [name for name in chain if self.left(name) < tokens]:
                full = [n for n in short if self.caps[n] - self.spent.get(n, 0) < tokens]
                if full or not self.flying:
                    return (full or short)[0] or "mission"
                await self.changed.wait()
            self.flying += 1
            self._add(self.reserved, chain, tokens)
        return ""

    async def close(self, chain: Sequence[str], tokens: int, used: int) -> None:
        async with self.changed:
            self.flying -= 1
            self._add(self.reserved, chain, -tokens)
            self._add(self.spent, chain, used)
            self.changed.notify_all()

    def _add(self, side: dict[str, int], chain: Sequence[str], tokens: int) -> None:
        for name in chain:
            side[name] = side.get(name, 0) + tokens
        assert all(self.left(name) >= 0 for name in self.caps), "a cap was exceeded"


class Stage:
    """One mission. Whatever `script` does not answer goes well; `right` says which patches are."""

    def __init__(
        self, script: Callable[[Ask], Any] = lambda ask: None, right: Callable[[Ask], bool] = lambda ask: True,
        seed: int = 0, cap: int = 10**9, seats: tuple[Seat, ...] = SEATS, lag: Callable[[Ask], float] = lambda ask: 0.0,
        base: tuple[str, ...] = ("a.py",),
    ) -> None:  # fmt: skip
        self.script = script
        self.right = right
        self.count = itertools.count()
        self.chance = random.Random(seed)
        self.purses = Purses(cap)
        self.seats = seats
        self.lag = lag
        self.branches: dict[str, dict[str, str]] = {"base": dict.fromkeys(base, "old")}
        self.starts: dict[str, dict[str, str]] = {}
        self.entries: list[Entry] = []
        self.seen: list[Effect] = []
        self.course = Course()
        self.tests = 0
        self.edition = EDITION
        self.reports: dict[str, ToolReport] = {}
        self.accept: Callable[[dict[str, str]], bool] = _all_right

    def run(self, mode: str, **rules: Any) -> Conclusion:
        a = Assignment(
            "reach it", ("make test",), 60.0, Team(self.seats), Rules(**{"grace": 0.05, **rules})
        )
        engine = Engine(Known(self.entries), self, self.course)
        with asyncio.Runner(loop_factory=Virtual) as runner:
            ended: Conclusion = runner.run(engine.run(concluded(mode, a)))
        return ended

    def asked(self, *steps: str) -> list[Ask]:
        asks = [one for one in self.seen if isinstance(one, Ask)]
        asks += [ask for one in self.seen if isinstance(one, Round) for ask in one.asks]
        return [ask for ask in asks if ask.brief.step in steps]

    def rounds(self) -> list[Round]:
        return [one for one in self.seen if isinstance(one, Round)]

    async def perform(self, path: str, mark: bytes, effect: Effect) -> Result:
        self.seen.append(effect)
        await asyncio.sleep(0)
        result = await self.result(effect)
        await self.record(path, mark, result)
        return result

    async def record(self, path: str, mark: bytes, body: Body) -> None:
        assert path not in {entry.path for entry in self.entries}, "a path is never written twice"
        self.entries.append(Entry(path, mark, unpack(pack(body))))

    async def result(self, effect: Effect) -> Result:
        match effect:
            case Ask():
                return await self.answer(effect)
            case Round(asks=asks):
                said = [await self.answer(ask) for ask in asks]
                order = tuple(self.chance.sample(range(len(asks)), len(asks)))
                return HeardAll(answers=tuple(said), quorate=True, head="h", order=order)
            case Read(branch=branch):
                return Files(tree=tuple(sorted(self.branches[branch])), files=())
            case Write() | Merge() | Run():
                return self.work(effect)
            case Now():
                return Clock(at=asyncio.get_running_loop().time())
            case Pause(seconds=seconds):
                await asyncio.sleep(seconds)
                return Clock(at=asyncio.get_running_loop().time())
            case Share():
                return self.share(effect)
            case Examine(tools=tools):
                blank = [ToolReport(tool=tool, state="ran") for tool in tools]
                reports = tuple(self.reports.get(one.tool, one) for one in blank)
                return Examined(reports=reports)
            case _:
                return Noted()

    def work(self, effect: Write | Merge | Run) -> Result:
        match effect:
            case Write(branch=branch, base=base, files=files):
                tree = self.branches.setdefault(branch, dict(self.branches[base]))
                before = dict(tree)
                tree |= {one.path: one.content for one in files}
                self.starts.setdefault(branch, before)
                return Written(commit=str(len(self.entries)), changed=tree != before)
            case Merge(source=source, into=into):
                start = self.starts.get(source, {})
                new = {k: v for k, v in self.branches[source].items() if start.get(k) != v}
                self.branches[into] = {**self.branches.get(into, {}), **new}
                return Merged(commit=str(len(self.entries)), edition=self.edition)
            case Run(branch=branch, acceptance=acceptance):
                self.tests += acceptance
                good = self.accept(self.branches[branch]) if acceptance else True
                return Ran(
                    passed=good, command="make test", exit_code=1 - good, output="", seconds=0.0
                )

    def share(self, effect: Share) -> Shared:
        left = self.purses.left("")
        parts = shares(left, [one.weight for one in effect.portions])
        for one, part in zip(effect.portions, parts, strict=True):
            name = "/".join(one.account)
            purses = self.purses
            purses.caps[name] = purses.spent.get(name, 0) + purses.reserved.get(name, 0) + part
        allotted = zip(effect.portions, parts, strict=True)
        return Shared(
            tokens=left, micros=0,
            parts=tuple(Allotted(account=one.account, tokens=part, micros=0) for one, part in allotted),
        )  # fmt: skip

    async def answer(self, ask: Ask) -> Asked:
        worst = 200 + self.chance.randrange(200)
        chain = ["", *("/".join(ask.account[: i + 1]) for i in range(len(ask.account)))]
        if short := await self.purses.open(chain, worst):
            left = self.purses.left("" if short == "mission" else short)
            return Refused(
                account=short, needed_tokens=worst, left_tokens=left, needed_micros=0, left_micros=0
            )
        used = worst
        try:
            await asyncio.sleep(self.lag(ask))
            said = self.script(ask)
            used = self.chance.randrange(worst + 1)
        finally:
            await self.purses.close(chain, worst, used)
        if said is None:
            said = self.usual(ask)
        if isinstance(said, Asked):
            return said
        text = said if isinstance(said, str) else msgspec.json.encode(said).decode()
        return Answer(text=text, agent=ask.agent, model="m", tokens=used, micros=0)

    def usual(self, ask: Ask) -> Any:
        match ask.answer:
            case "patch" | "reasoned":
                return self.patch(ask)
            case "ballot":
                heard = ask.brief.heard  # everybody votes for somebody else
                return Ballot(choice=heard[ask.sample % len(heard)].alias)
            case "proposal":
                return Proposal(approach=f"as {ask.agent} says")
            case "triage":
                return Triage(trivial=False, complexity="MEDIUM", reason="r")
            case "views":
                return Views(summary="v")
            case "plan":
                return Plan(summary="p", tasks=tuple(_plain(task) for task in TASKS))
            case "design":
                return Design(summary="d", tasks=tuple(_plain(task) for task in TASKS))
            case "charter":
                return Charter(brief="b", tasks=TASKS)
            case _:
                return GOOD

    def patch(self, ask: Ask) -> Patch | Reasoned:
        named = [word for word in ask.brief.task.split() if word.endswith(".py")] or ["a.py"]
        text = "right" if self.right(ask) else f"wrong {next(self.count)}"
        files = tuple(FileChange(path=path, content=text) for path in named)
        if ask.answer == "reasoned":
            return Reasoned(reasoning=("thought",), files=files)
        return Patch(files=files)


def _plain(task: RatedTask) -> Task:
    return Task(id=task.id, goal=task.goal, files=task.files, needs=task.needs)


def _all_right(tree: dict[str, str]) -> bool:
    return all(content == "right" for content in tree.values())


@pytest.fixture(scope="session")
def stage() -> type[Stage]:
    return Stage


@pytest.fixture
def seats() -> tuple[Seat, ...]:
    return SEATS
