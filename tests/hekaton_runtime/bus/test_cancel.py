"""Stopping: one order, a whole mission, a caller that leaves, an agent that is told to end."""

import asyncio
import time
from typing import Any

import pytest

from hekaton_runtime.bus.broker import Broker
from hekaton_runtime.bus.caller import Caller
from hekaton_runtime.bus.messages import Answered, Faulted
from hekaton_runtime.errors import BadInput
from hekaton_runtime.results import Usage


async def test_cancelling_an_ask_cancels_the_answerer(
    broker: Broker, start_agent: Any, order: Any, sleeper: Any
) -> None:
    start_agent(sleeper)
    async with Caller.connect(broker.address, mission="m1") as caller:
        asking = asyncio.ensure_future(caller.ask(order()))
        await sleeper.began.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        async with asyncio.timeout(1):
            await sleeper.cancelled.wait()


async def test_cancelling_one_of_two_asks_keeps_the_order_alive(
    broker: Broker, start_agent: Any, order: Any, sleeper: Any
) -> None:
    start_agent(sleeper)
    async with Caller.connect(broker.address, mission="m1") as caller:
        one, two = (asyncio.ensure_future(caller.ask(order())) for _ in range(2))
        await sleeper.began.wait()
        one.cancel()
        await asyncio.sleep(0.05)
        sleeper.release.set()
        assert isinstance(await two, Answered)


async def test_a_cancelled_agent_is_free_for_the_next_order(
    broker: Broker, start_agent: Any, order: Any, sleeper: Any
) -> None:
    start_agent(sleeper)
    async with Caller.connect(broker.address, mission="m1") as caller:
        asking = asyncio.ensure_future(caller.ask(order("o1")))
        await sleeper.began.wait()
        asking.cancel()
        sleeper.release.set()
        assert isinstance(await caller.ask(order("o2")), Answered)


async def test_halt_reaches_a_running_answerer_within_a_second(
    broker: Broker, start_agent: Any, order: Any, make_sleeper: Any
) -> None:
    usage = Usage(prompt_tokens=2, completion_tokens=1)
    said = Faulted(kind="unknown", detail="stopped", usage=usage, billed=True)
    sleeper = make_sleeper(said)
    start_agent(sleeper)
    async with Caller.connect(broker.address, mission="m1") as caller:
        running = asyncio.ensure_future(caller.ask(order("o1")))
        waiting = asyncio.ensure_future(caller.ask(order("o2")))
        await sleeper.began.wait()
        start = time.monotonic()
        await caller.halt("kill switch")
        assert time.monotonic() - start < 1
        assert sleeper.cancelled.is_set()
        assert await running == said
        queued = await waiting
        after = await caller.ask(order("o3"))
    for outcome in (queued, after):
        assert isinstance(outcome, Faulted)
        assert (outcome.kind, outcome.billed) == ("unavailable", False)
        assert "kill switch" in outcome.detail


async def test_halt_leaves_other_missions_alone(
    broker: Broker, start_agent: Any, order: Any, sleeper: Any
) -> None:
    start_agent(sleeper, capacity=2)
    async with (
        Caller.connect(broker.address, mission="m1") as halted,
        Caller.connect(broker.address, mission="m2") as other,
    ):
        ours = asyncio.ensure_future(halted.ask(order()))
        theirs = asyncio.ensure_future(other.ask(order(mission="m2")))
        await sleeper.began.wait()
        await asyncio.sleep(0.05)
        await halted.halt("enough")
        sleeper.release.set()
        assert isinstance(await theirs, Answered)
        assert isinstance(await ours, Faulted)


async def test_a_caller_that_leaves_stops_its_orders(
    broker: Broker, start_agent: Any, order: Any, sleeper: Any
) -> None:
    start_agent(sleeper)
    async with Caller.connect(broker.address, mission="m1") as caller:
        asking = asyncio.ensure_future(caller.ask(order()))
        await sleeper.began.wait()
    async with asyncio.timeout(1):
        await sleeper.cancelled.wait()
    outcome = await asking
    assert isinstance(outcome, Faulted)
    # The agent's own report may still arrive before the caller is gone; both charge the reservation.
    assert outcome.kind in ("lost", "unknown")
    assert outcome.billed


async def test_an_agent_told_to_stop_reports_what_it_had(
    broker: Broker, start_agent: Any, order: Any, make_sleeper: Any
) -> None:
    usage = Usage(prompt_tokens=2, completion_tokens=1)
    said = Faulted(kind="unknown", detail="stopped", usage=usage, billed=True)
    sleeper, stop = make_sleeper(said), asyncio.Event()
    agent = start_agent(sleeper, stop=stop)
    async with Caller.connect(broker.address, mission="m1") as caller:
        asking = asyncio.ensure_future(caller.ask(order()))
        await sleeper.began.wait()
        stop.set()
        await agent
        assert await asking == said


async def test_an_order_of_another_mission_is_bad_input(broker: Broker, order: Any) -> None:
    async with Caller.connect(broker.address, mission="m1") as caller:
        with pytest.raises(BadInput, match="'m2'"):
            await caller.ask(order(mission="m2"))
