"""A world that is drawn: answers right and wrong, malformed and missing, and what each of them cost.

The performer of missions whose strategies, engine, purse and ledger are real; their workspace is a dict.
"""

import asyncio
import itertools
import random
from typing import Any

import msgspec

from hekaton_runtime.answers import TYPES, FileChange, Patch, Plan, RatedTask, Task, schema
from hekaton_runtime.conductor.asking import Purse
from hekaton_runtime.conductor.sharing import share
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
from hekaton_runtime.journal.entries import Body
from hekaton_runtime.ledger.accounts import RELEASED, UNKNOWN, Bill, Call, Ledger
from hekaton_runtime.ledger.money import Amount
from hekaton_runtime.models.simulated.draws import Draw
from hekaton_runtime.models.simulated.generic import generic
from hekaton_runtime.results import (
    Answer,
    Asked,
    Clock,
    Examined,
    Failed,
    Files,
    HeardAll,
    Merged,
    Noted,
    Ran,
    Result,
    ToolReport,
    Usage,
    Written,
)
from hekaton_runtime.strategies.modes import EDITION
from hekaton_runtime.strategies.values import Seat


class World:
    """One mission's. Every call goes through the ledger; nothing else is remembered."""

    seats = (
        Seat("analyst", "analyst", "small", "m1", 1),
        Seat("r1", "researcher", "small", "m1", 1),
        Seat("r2", "reasoner", "large", "m2", 9),
        Seat("s1", "sapper", "small", "m1", 1),
        Seat("s2", "sapper", "large", "m2", 9),
        Seat("auditor", "auditor", "large", "m2", 9),
        Seat("second", "auditor", "large", "m1", 9),
    )

    def __init__(self, ledger: Ledger, chance: random.Random) -> None:
        self.purse = Purse(ledger)
        self.chance = chance
        self.skill = chance.random()
        self.tasks = _tasks(chance)
        self.numbers = itertools.count()

    async def perform(self, path: str, mark: bytes, effect: Effect) -> Result:
        match effect:
            case Ask():
                return await self.ask(path, effect)
            case Round(asks=asks):
                said = await asyncio.gather(
                    *(self.ask(f"{path}/{n}", ask) for n, ask in enumerate(asks))
                )
                order = tuple(self.chance.sample(range(len(asks)), len(asks)))
                return HeardAll(answers=tuple(said), quorate=True, head="h", order=order)
            case Share():
                return await share(self.purse, effect)
            case Pause(seconds=seconds):
                await asyncio.sleep(seconds)
                return Clock(at=asyncio.get_running_loop().time())
            case Now():
                return Clock(at=asyncio.get_running_loop().time())
            case _:
                return self.work(effect)

    async def record(self, path: str, mark: bytes, body: Body) -> None:
        pass

    def work(self, effect: Effect) -> Result:
        match effect:
            case Read():
                return Files(tree=("a.py",), files=())
            case Write():
                return Written(commit="c", changed=self.chance.random() < 0.9)
            case Merge():
                return Merged(commit="c", edition=EDITION)
            case Run():
                good = self.chance.random() < self.skill
                return Ran(passed=good, command="make", exit_code=1 - good, output="", seconds=0.0)
            case Examine(tools=tools):
                reports = (ToolReport(tool=tool, state="unsuited") for tool in tools)
                return Examined(reports=tuple(reports))
            case _:
                return Noted()

    async def ask(self, path: str, ask: Ask) -> Asked:
        """Reserve, take a moment, settle at what was drawn: answered, useless, unknown, or never billed."""
        worst = Amount(self.chance.randrange(50, 900), self.chance.randrange(9000))
        name = f"{path}#{next(self.numbers)}"
        seat = next(one for one in self.seats if one.name == ask.agent)
        call = Call(name, path, ask.account, seat.name, seat.role, seat.model, worst)
        if refused := await self.purse.open(call):
            return refused
        try:
            await asyncio.sleep(self.chance.random() * 0.01)
        except asyncio.CancelledError:
            await asyncio.shield(self.purse.close(name, UNKNOWN))
            raise
        bill, said = self.drawn(ask, worst)
        await self.purse.close(name, bill)
        return said

    def drawn(self, ask: Ask, worst: Amount) -> tuple[Bill, Asked]:
        prompt = self.chance.randrange(worst.tokens + 1)
        usage = Usage(
            prompt_tokens=prompt, completion_tokens=self.chance.randrange(worst.tokens - prompt + 1)
        )
        bill = Bill("settled", usage, self.chance.randrange(worst.micros + 1))
        mood = self.chance.random()
        if mood < 0.02:
            return UNKNOWN, Failed(kind="unknown", detail="cut off")
        if mood < 0.04:
            return RELEASED, Failed(kind="rejected", detail="no such model")
        if mood < 0.1:
            return bill, Failed(kind="invalid", detail="no JSON")
        text = self.chance.choice(("", "Sure!", msgspec.json.encode(schema(ask.answer)).decode()))
        if mood > 0.15:
            text = msgspec.json.encode(self.answer(ask)).decode()
        return bill, Answer(text=text, agent=ask.agent, model="m", tokens=1, micros=1)

    def answer(self, ask: Ask) -> Any:
        patch = Patch(files=(FileChange(path="a.py", content=str(self.chance.randrange(3))),))
        match ask.answer:
            case "patch":
                return patch
            case "reasoned":
                return {"reasoning": ["r"], "files": patch.files}
            case "charter":
                return {"brief": "b", "tasks": self.tasks}
            case "plan" | "design":
                plain = tuple(Task(id=t.id, goal=t.goal, needs=t.needs) for t in self.tasks)
                return Plan(summary="s", tasks=plain)
            case name:
                assert name in TYPES
                draw = Draw(self.chance.randrange(10**6), "m", "", ask.sample, "")
                prompt = "\n".join(f'<<<DATA k "{one.alias}"' for one in ask.brief.heard)
                return generic(name, draw, prompt, self.skill)


def _tasks(chance: random.Random) -> tuple[RatedTask, ...]:
    return tuple(
        RatedTask(
            id=f"t{n}",
            goal=f"do t{n}",
            files=(f"t{n}.py",),
            needs=tuple(f"t{i}" for i in range(n) if chance.random() < 0.3),
            complexity=chance.choice(("LOW", "MEDIUM", "HIGH")),
        )
        for n in range(chance.randrange(1, 9))
    )
