"""What is lost: agents that vanish, brokers that restart, links that fall silent."""

import asyncio
from typing import Any

import pytest

from hekaton_runtime.bus.broker import Broker
from hekaton_runtime.bus.caller import Caller
from hekaton_runtime.bus.messages import (
    Answered,
    CallerHello,
    Denied,
    Faulted,
    Welcome,
    decode_to_broker,
    encode,
)
from hekaton_runtime.bus.sockets import Sockets
from hekaton_runtime.errors import Unavailable


async def test_a_lost_agent_loses_what_it_had_and_is_charged(
    broker: Broker, start_agent: Any, order: Any, sleeper: Any
) -> None:
    agent = start_agent(sleeper)
    async with Caller.connect(broker.address, mission="m1") as caller:
        asking = asyncio.ensure_future(caller.ask(order()))
        await sleeper.began.wait()
        agent.cancel()
        outcome = await asking
    assert isinstance(outcome, Faulted)
    assert (outcome.kind, outcome.usage, outcome.billed) == ("lost", None, True)
    assert "'coder-0'" in outcome.detail


async def test_what_a_lost_agent_had_not_begun_goes_to_another(
    broker: Broker, start_agent: Any, order: Any, sleeper: Any, echo: Any
) -> None:
    agent = start_agent(sleeper)
    async with Caller.connect(broker.address, mission="m1") as caller:
        first = asyncio.ensure_future(caller.ask(order("o1")))
        second = asyncio.ensure_future(caller.ask(order("o2")))
        await sleeper.began.wait()
        agent.cancel()
        start_agent(echo, instance="coder-1")
        assert isinstance(await first, Faulted)
        answered = await second
    assert isinstance(answered, Answered)
    assert answered.instance == "coder-1"


async def test_an_order_is_never_delivered_a_second_time(
    broker: Broker, start_agent: Any, order: Any, sleeper: Any, echo: Any
) -> None:
    agent = start_agent(sleeper)
    async with Caller.connect(broker.address, mission="m1") as caller:
        asking = asyncio.ensure_future(caller.ask(order()))
        await sleeper.began.wait()
        start_agent(echo, instance="coder-1")
        agent.cancel()
        lost = await asking
        assert await caller.ask(order()) == lost
    assert echo.seen == []


async def test_a_restarted_agent_takes_its_old_name_again(
    broker: Broker, start_agent: Any, order: Any, sleeper: Any, echo: Any
) -> None:
    agent = start_agent(sleeper)
    async with Caller.connect(broker.address, mission="m1") as caller:
        asking = asyncio.ensure_future(caller.ask(order("o1")))
        await sleeper.began.wait()
        agent.cancel()
        start_agent(echo)
        assert isinstance(await asking, Faulted)
        assert isinstance(await caller.ask(order("o2")), Answered)


async def test_a_living_namesake_keeps_its_seat(
    broker: Broker, start_agent: Any, order: Any, sleeper: Any, echo: Any, eventually: Any
) -> None:
    start_agent(sleeper)
    async with Caller.connect(broker.address, mission="m1") as caller:
        asking = asyncio.ensure_future(caller.ask(order()))
        await sleeper.began.wait()
        start_agent(echo)
        await eventually(lambda: broker.complaints("conflict") > 2)
        sleeper.release.set()
        assert isinstance(await asking, Answered)


async def test_a_restarted_broker_loses_what_was_in_flight_and_is_found_again(
    open_broker: Any, address: str, start_agent: Any, order: Any, sleeper: Any
) -> None:
    start_agent(sleeper)
    async with open_broker():
        connection = Caller.connect(address, mission="m1")
        caller = await connection.__aenter__()
        asking = asyncio.ensure_future(caller.ask(order("o1")))
        await sleeper.began.wait()
    async with open_broker():
        outcome = await asking
        await asyncio.wait_for(sleeper.cancelled.wait(), 3)
        sleeper.release.set()
        again = await caller.ask(order("o2"))
        await connection.__aexit__(None, None, None)
    assert isinstance(outcome, Faulted)
    assert (outcome.kind, outcome.billed) == ("lost", True)
    assert isinstance(again, Answered)


async def test_a_silent_broker_loses_what_was_in_flight(
    open_broker: Any, address: str, start_agent: Any, order: Any, sleeper: Any
) -> None:
    start_agent(sleeper)
    async with open_broker():
        connection = Caller.connect(address, mission="m1")
        caller = await connection.__aenter__()
        asking = asyncio.ensure_future(caller.ask(order("o1")))
        await sleeper.began.wait()
    outcome = await asking
    unsent = await caller.ask(order("o2", seconds=0.1))
    await connection.__aexit__(None, None, None)
    assert isinstance(outcome, Faulted)
    assert (outcome.kind, outcome.billed) == ("lost", True)
    assert isinstance(unsent, Faulted)
    assert (unsent.kind, unsent.billed) == ("unavailable", False)


async def test_a_caller_that_the_broker_drops_loses_its_orders_and_sends_no_more(
    address: str, order: Any
) -> None:
    async with Sockets(high_water=100, heartbeat=1.0, patience=5.0) as sockets:
        router = sockets.router((address,), None)

        async def drop_after_welcome() -> None:
            welcome = Welcome(epoch="e", session="s", control=address, heartbeat=0.05, patience=1)
            while True:
                peer, body, _ = await router.receive()
                greeted = isinstance(decode_to_broker(body), CallerHello)
                router.send_now(peer, encode(welcome if greeted else Denied(reason="No more.")))

        dropping = asyncio.ensure_future(drop_after_welcome())
        async with Caller.connect(address, mission="m1") as caller:
            lost = await caller.ask(order("o1"))
            unsent = await caller.ask(order("o2", seconds=0.1))
        dropping.cancel()
        await asyncio.gather(dropping, return_exceptions=True)
    assert isinstance(lost, Faulted)
    assert isinstance(unsent, Faulted)
    assert (lost.kind, lost.billed) == ("lost", True)
    assert (unsent.kind, unsent.billed) == ("unavailable", False)


async def test_connecting_without_a_broker_is_unavailable(address: str) -> None:
    with pytest.raises(Unavailable, match="'m1'"):
        async with Caller.connect(address, mission="m1", wait=0.1):
            pass
