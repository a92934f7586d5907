"""Debate rounds on a live bus: all in, quorum, deadline, late orders, the transcript."""

import asyncio
import time
from typing import Any

import pytest

from hekaton_runtime.bus.broker import Broker
from hekaton_runtime.bus.caller import Caller
from hekaton_runtime.bus.messages import Answered, Faulted
from hekaton_runtime.bus.transcript import GENESIS, verify
from hekaton_runtime.errors import BadInput
from hekaton_runtime.results import Usage


async def test_a_round_closes_when_all_are_in(
    broker: Broker, start_agent: Any, order: Any, echo: Any, settled: Any
) -> None:
    start_agent(echo, capacity=4)
    orders = tuple(order(f"o{n}") for n in range(3))
    async with Caller.connect(broker.address, mission="m1") as caller:
        start = time.monotonic()
        closed = await caller.round("r1", orders, 2, 30, "which way", GENESIS, settled)
    assert time.monotonic() - start < 5
    assert (closed.missing, closed.quorate) == ((), True)
    assert set(settled.told) == {"o0", "o1", "o2"}
    assert [entry.kind for entry in closed.entries] == ["opened", *["answered"] * 3]
    verify(closed.entries, GENESIS, closed.head)


async def test_the_next_round_continues_the_chain(
    broker: Broker, start_agent: Any, order: Any, echo: Any, settled: Any
) -> None:
    start_agent(echo)
    async with Caller.connect(broker.address, mission="m1") as caller:
        one = await caller.round("r1", (order("o1"),), 1, 3, "t", GENESIS, settled)
        two = await caller.round("r2", (order("o2"),), 1, 3, "t", one.head, settled)
    assert two.entries[0].previous == one.head
    verify(two.entries, one.head, two.head)


@pytest.mark.parametrize(("quorum", "quorate"), [(1, True), (2, False)])
async def test_the_deadline_closes_with_or_without_a_quorum(
    broker: Broker,
    start_agent: Any,
    order: Any,
    echo: Any,
    sleeper: Any,
    settled: Any,
    quorum: int,
    quorate: bool,
) -> None:
    start_agent(echo, agent="swift", instance="swift-0")
    start_agent(sleeper, agent="slow", instance="slow-0")
    orders = (order("o1", agent="swift"), order("o2", agent="slow"), order("o3", agent="slow"))
    async with Caller.connect(broker.address, mission="m1") as caller:
        closed = await caller.round("r1", orders, quorum, 1.0, "t", GENESIS, settled)
    assert closed.missing == ("o2", "o3")
    assert closed.quorate is quorate
    assert [entry.order for entry in closed.entries] == ["r1", "o1"]
    assert sleeper.cancelled.is_set()
    delivered, queued = settled.told["o2"], settled.told["o3"]
    assert (delivered.kind, delivered.usage, delivered.billed) == ("late", None, True)
    assert (queued.kind, queued.usage, queued.billed) == ("late", None, False)


async def test_a_late_order_is_charged_at_the_usage_the_agent_reports(
    broker: Broker, start_agent: Any, order: Any, make_sleeper: Any, settled: Any
) -> None:
    usage = Usage(prompt_tokens=5, completion_tokens=2)
    said = Faulted(kind="unknown", detail="stopped", usage=usage, billed=True)
    start_agent(make_sleeper(said))
    async with Caller.connect(broker.address, mission="m1") as caller:
        closed = await caller.round("r1", (order(),), 1, 0.2, "t", GENESIS, settled)
    assert closed.missing == ("o1",)
    assert (settled.told["o1"].kind, settled.told["o1"].usage) == ("late", usage)


async def test_a_fault_is_heard_and_is_no_answer(broker: Broker, order: Any, settled: Any) -> None:
    orders = (order(agent="nobody", seconds=0.1),)
    async with Caller.connect(broker.address, mission="m1") as caller:
        closed = await caller.round("r1", orders, 1, 3, "t", GENESIS, settled)
    assert (closed.missing, closed.quorate) == ((), False)
    assert [entry.kind for entry in closed.entries] == ["opened", "unavailable"]


async def test_an_order_too_large_is_left_out_of_its_round(
    broker: Broker, start_agent: Any, order: Any, echo: Any, settled: Any
) -> None:
    start_agent(echo)
    orders = (order("o1"), order("o2", seconds=-1.0))
    async with Caller.connect(broker.address, mission="m1") as caller:
        closed = await caller.round("r1", orders, 1, 3, "t", GENESIS, settled)
    assert closed.quorate
    assert isinstance(settled.told["o1"], Answered)
    assert settled.told["o2"].kind == "rejected"


async def test_a_failing_settlement_ends_the_round_and_cancels_the_rest(
    broker: Broker, start_agent: Any, order: Any, echo: Any, sleeper: Any
) -> None:
    start_agent(echo, agent="swift", instance="swift-0")
    start_agent(sleeper, agent="slow", instance="slow-0")

    async def fenced(name: str, outcome: object) -> None:
        await sleeper.began.wait()
        raise RuntimeError("fenced")

    orders = (order("o1", agent="swift"), order("o2", agent="slow"))
    async with Caller.connect(broker.address, mission="m1") as caller:
        with pytest.raises(RuntimeError, match="fenced"):
            await caller.round("r1", orders, 1, 3, "t", GENESIS, fenced)
        await asyncio.wait_for(sleeper.cancelled.wait(), 1)


async def test_a_round_whose_broker_dies_keeps_what_was_heard(
    open_broker: Any,
    address: str,
    start_agent: Any,
    order: Any,
    echo: Any,
    sleeper: Any,
    settled: Any,
    eventually: Any,
) -> None:
    start_agent(echo, agent="swift", instance="swift-0")
    start_agent(sleeper, agent="slow", instance="slow-0")
    orders = (order("o1", agent="swift"), order("o2", agent="slow"))
    async with open_broker():
        connection = Caller.connect(address, mission="m1")
        caller = await connection.__aenter__()
        holding = asyncio.ensure_future(caller.round("r1", orders, 2, 3, "t", GENESIS, settled))
        await eventually(lambda: "o1" in settled.told)
    closed = await holding
    await connection.__aexit__(None, None, None)
    assert (closed.missing, closed.quorate) == (("o2",), False)
    assert [entry.order for entry in closed.entries] == ["r1", "o1"]
    assert settled.told["o2"].kind == "lost"


async def test_halt_closes_an_open_round(
    broker: Broker, start_agent: Any, order: Any, sleeper: Any, settled: Any
) -> None:
    start_agent(sleeper)
    async with Caller.connect(broker.address, mission="m1") as caller:
        holding = asyncio.ensure_future(caller.round("r1", (order(),), 1, 3, "t", GENESIS, settled))
        await sleeper.began.wait()
        await caller.halt("stop")
        closed = await asyncio.wait_for(holding, 1)
    assert not closed.quorate
    assert settled.told["o1"].billed


async def test_a_round_that_names_an_order_twice_is_bad_input(
    broker: Broker, order: Any, settled: Any
) -> None:
    async with Caller.connect(broker.address, mission="m1") as caller:
        with pytest.raises(BadInput, match="twice"):
            await caller.round("r1", (order(), order()), 1, 3, "t", GENESIS, settled)
