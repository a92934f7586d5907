"""Interruptions at the worst moments, in this process: no reservation is lost, no round is stuck."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from hekaton_runtime.agents.profile import Profile
from hekaton_runtime.brief import Brief
from hekaton_runtime.bus.broker import Broker
from hekaton_runtime.bus.caller import Caller
from hekaton_runtime.bus.messages import Answered, Faulted, Order, Outcome
from hekaton_runtime.bus.peer import serve_agent
from hekaton_runtime.bus.settings import BusSettings
from hekaton_runtime.conductor.asking import Asker, Patience, Purse, Seated
from hekaton_runtime.conductor.engine import Engine, Known
from hekaton_runtime.conductor.events import Event
from hekaton_runtime.conductor.rounds import Rounder
from hekaton_runtime.effects import Ask, Next, Note, Now, Round, Spawn, Stop, Strategy
from hekaton_runtime.journal.entries import Body, Entry
from hekaton_runtime.journal.postgres import Journal, load
from hekaton_runtime.ledger.accounts import Ledger
from hekaton_runtime.ledger.money import Amount, Price
from hekaton_runtime.results import Answer, Clock, HeardAll, Noted, Refused, Usage
from hekaton_runtime.store.postgres import Database

NewMission = Callable[[], Awaitable[str]]
SEATS = {
    name: Seated(
        Profile(
            name=name,
            role="sapper",
            tier="small",
            model="m",
            temperature=0.0,
            max_tokens=100,
            context_length=8192,
        ),  # fmt: skip
        Price(),
    )
    for name in ("a", "b", "c")
}
OPEN = "select count(*) from hekaton.call where state = 'open'"


class Answering:
    """Answers after a while."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.cuts = 0
        """Questions whose answer gets lost, from now on."""
        self.began = asyncio.Event()

    async def answer(self, order: Order) -> Outcome:
        self.began.set()
        await asyncio.sleep(self.seconds)
        if self.cuts:
            self.cuts -= 1
            return Faulted(
                kind="unknown", detail="The connection was cut.", usage=None, billed=True
            )
        usage = Usage(prompt_tokens=10, completion_tokens=10)
        text = '{"choice": "A"}'
        return Answered(text=text, usage=usage, model="m", seconds=self.seconds, instance="")


class Desk:
    """One owner's asker and rounder, as `conductor.work` puts them together."""

    def __init__(self, database: Database, mission: str, token: int, caller: Caller) -> None:
        self.events: list[Event] = []
        self.ledger = Ledger(database, mission, token)
        journal = Journal(database, mission, token)
        patience = Patience(call=5.0, endpoint=5.0, nap=0.05)
        self.asker = Asker(journal, SEATS, caller, Purse(self.ledger), self.events.append, patience)
        self.rounder = Rounder(self.asker, caller, Known([]), token)


@pytest.fixture
async def bus(home: Any) -> AsyncIterator[tuple[str, Answering]]:
    """A broker with an agent for each seat; they answer as slowly as the test wants."""
    address, stop, answering = f"ipc://{home}/pod/b", asyncio.Event(), Answering(0.005)
    quick = BusSettings(heartbeat=0.05, patience=0.5, grace=0.2)
    async with (
        Broker.bind(address, f"ipc://{home}/pod/c", quick) as broker,
        asyncio.TaskGroup() as group,
    ):
        group.create_task(broker.run(stop))
        for name in SEATS:
            group.create_task(
                serve_agent(
                    address, agent=name, instance=name, capacity=8, answerer=answering, stop=stop
                )
            )
        yield address, answering
        stop.set()


@asynccontextmanager
async def owning(
    database: Database, mission: str, address: str, tokens: int = 10**6
) -> AsyncIterator[Desk]:
    token = await database.value("select hekaton.take($1, 'me', 60, 'me')", mission)
    async with Caller.connect(address, mission=mission) as caller:
        desk = Desk(database, mission, token, caller)
        await desk.ledger.cap("", Amount(tokens, 10**9))
        await desk.ledger.forfeit()
        yield desk


def question(agent: str, sample: int = 0) -> Ask:
    return Ask(agent=agent, brief=Brief(step="vote", goal="g"), answer="ballot", sample=sample)


def debate(seconds: float = 5.0) -> Round:
    return Round(asks=tuple(map(question, SEATS)), quorum=0, seconds=seconds, topic="t")


async def test_a_question_cancelled_at_any_moment_leaves_no_call_open(
    database: Database, new_mission: NewMission, bus: tuple[str, Answering]
) -> None:
    chance, mission = random.Random(4), await new_mission()
    async with owning(database, mission, bus[0]) as desk:
        for number in range(60):
            ask = desk.asker.ask(f"/{number}", b"x" * 8, question("a"))
            task = asyncio.create_task(ask)
            await asyncio.sleep(chance.uniform(0, 0.025))
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert await database.value(OPEN) == 0
        states = await database.fetch("select state, count(*) from hekaton.call group by 1")
        assert {row["state"] for row in states} >= {"settled", "unknown"}


async def test_a_round_cancelled_at_any_moment_leaves_no_call_open(
    database: Database, new_mission: NewMission, bus: tuple[str, Answering]
) -> None:
    chance, mission = random.Random(5), await new_mission()
    async with owning(database, mission, bus[0]) as desk:
        for number in range(40):
            task = asyncio.create_task(desk.rounder.perform(f"/{number}", debate()))
            await asyncio.sleep(chance.uniform(0, 0.04))
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert await database.value(OPEN) == 0


@pytest.mark.parametrize(("cuts", "answers", "lost"), [(2, 1, 2), (3, 3, 3), (100, 0, 9)])
async def test_a_round_whose_answers_all_got_lost_is_held_again_and_they_stay_charged(
    database: Database, new_mission: NewMission, bus: tuple[str, Answering],
    cuts: int, answers: int, lost: int,
) -> None:  # fmt: skip
    """As when the router of a pod is killed; an endpoint that always cuts gets three tries, as it has of a question."""
    async with owning(database, await new_mission(), bus[0]) as desk:
        bus[1].cuts = cuts
        heard = await desk.rounder.perform("/0", debate())
        assert sum(isinstance(each, Answer) for each in heard.answers) == answers
        rows = await database.fetch("select state, count(*) from hekaton.call group by 1")
        assert {row["state"]: row["count"] for row in rows} == {
            state: count for state, count in (("unknown", lost), ("settled", answers)) if count
        }


async def test_a_round_that_its_own_reservations_leave_no_room_for_is_refused_and_does_not_wait(
    database: Database, new_mission: NewMission, bus: tuple[str, Answering]
) -> None:
    async with owning(database, await new_mission(), bus[0]) as desk:
        await desk.rounder.perform("/0", debate())
        one = await database.value("select max(reserved_tokens) from hekaton.call")
    async with owning(database, await new_mission(), bus[0], 2 * one + one // 2) as desk:
        async with asyncio.timeout(5):
            heard: HeardAll = await desk.rounder.perform("/0", debate())
    assert [type(answer) for answer in heard.answers] == [Answer, Answer, Refused]


async def test_a_question_waits_for_the_room_that_a_call_under_way_gives_back(
    database: Database, new_mission: NewMission, bus: tuple[str, Answering]
) -> None:
    async with owning(database, await new_mission(), bus[0]) as desk:
        await desk.asker.ask("/0", b"x" * 8, question("a"))
        one = await database.value("select max(reserved_tokens) from hekaton.call")
    bus[1].seconds = 0.3
    async with owning(database, await new_mission(), bus[0], one + one // 2) as desk:
        asks = [desk.asker.ask(f"/{n}", b"x" * 8, question("a")) for n in range(4)]
        async with asyncio.timeout(10):
            answers = await asyncio.gather(*asks)
    assert [type(answer) for answer in answers] == [Answer] * 4


async def test_a_new_conductor_holds_the_round_that_the_old_one_died_in_on_the_same_broker(
    database: Database, new_mission: NewMission, bus: tuple[str, Answering]
) -> None:
    mission, (address, answering) = await new_mission(), bus
    answering.seconds = 0.4

    async def die() -> None:
        async with owning(database, mission, address) as desk:
            dying = asyncio.create_task(desk.rounder.perform("/0", debate()))
            await answering.began.wait()
            dying.cancel()
            raise OSError("no farewell: the broker learns of it by silence")

    with pytest.raises(OSError, match="silence"):
        await die()
    async with owning(database, mission, address) as desk:
        heard = await desk.rounder.perform("/0", debate())
    assert [type(answer) for answer in heard.answers] == [Answer] * 3
    assert heard.quorate


class Slow:
    """A journal whose writes take effect although the writer was interrupted in the midst of them."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    async def perform(self, path: str, mark: bytes, effect: Any) -> Any:
        await asyncio.sleep(0)
        clock = isinstance(effect, Now)
        result: Clock | Noted = Clock(at=float(len(self.entries))) if clock else Noted()
        await self.record(path, mark, result)
        return result

    async def record(self, path: str, mark: bytes, body: Body) -> None:
        self.entries.append(Entry(path, mark, body))
        await asyncio.sleep(0)


def interrupted() -> Strategy:
    """Stops a branch that is in the midst of something; what it had by then is the result."""

    def endless() -> Strategy:
        while True:
            yield Now()

    def short() -> Strategy:
        yield Note(phase="x")
        yield Note(phase="y")

    yield Spawn("long", endless())
    yield Spawn("short", short())
    yield Next(("short",))
    return (yield Stop("long"))


def test_what_a_stopped_branch_had_is_the_same_again_in_a_replay() -> None:
    journal = Slow()
    first = asyncio.run(Engine(Known([]), journal).run(interrupted()))
    again = asyncio.run(Engine(Known(journal.entries), Slow()).run(interrupted()))
    assert first == again
    assert len(first) > 0


async def test_a_halt_that_was_asked_for_before_the_conductor_began_is_obeyed(
    database: Database, new_mission: NewMission
) -> None:
    mission = await new_mission()
    token = await database.value("select hekaton.take($1, 'me', 60, null)", mission)
    assert await database.value("select hekaton.ask_halt($1, 'enough')", mission)
    assert await database.value("select hekaton.begin($1, $2)", mission, token)
    halt = await database.value("select halt from hekaton.mission where id = $1", mission)
    assert halt == "enough"
    assert await load(database, mission) == ()
