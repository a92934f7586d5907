"""One question through broker and agent and back."""

import asyncio
from typing import Any

from hekaton_runtime.brief import Brief
from hekaton_runtime.bus.broker import Broker
from hekaton_runtime.bus.caller import Caller
from hekaton_runtime.bus.messages import MAX_BYTES, Answered, Faulted, Order, Outcome
from hekaton_runtime.results import Usage


async def test_an_order_is_answered_by_an_instance_of_its_agent(
    broker: Broker, start_agent: Any, order: Any, echo: Any
) -> None:
    start_agent(echo, instance="coder-7")
    async with Caller.connect(broker.address, mission="m1") as caller:
        outcome = await caller.ask(order("o1"))
    assert outcome == Answered(
        text="goal of o1",
        usage=Usage(prompt_tokens=3, completion_tokens=4),
        model="simulated",
        seconds=0.0,
        instance="coder-7",
    )


async def test_the_least_loaded_instance_gets_the_next_order(
    broker: Broker, start_agent: Any, order: Any, make_sleeper: Any, eventually: Any
) -> None:
    one, two = make_sleeper(), make_sleeper()
    start_agent(one, instance="one", capacity=4)
    start_agent(two, instance="two", capacity=4)
    async with Caller.connect(broker.address, mission="m1") as caller:
        await caller.ask(order("warm", agent="nobody", seconds=0.2))
        asks = [asyncio.ensure_future(caller.ask(order(f"o{n}"))) for n in range(4)]
        await eventually(lambda: len(one.seen) + len(two.seen) == 4)
        one.release.set()
        two.release.set()
        await asyncio.gather(*asks)
    assert (len(one.seen), len(two.seen)) == (2, 2)


async def test_orders_wait_while_every_instance_is_busy(
    broker: Broker, start_agent: Any, order: Any, sleeper: Any
) -> None:
    start_agent(sleeper)
    async with Caller.connect(broker.address, mission="m1") as caller:
        asks = [asyncio.ensure_future(caller.ask(order(f"o{n}"))) for n in range(3)]
        await sleeper.began.wait()
        await asyncio.sleep(0.02)
        assert len(sleeper.seen) == 1
        sleeper.release.set()
        outcomes = await asyncio.gather(*asks)
    assert all(isinstance(outcome, Answered) for outcome in outcomes)


async def test_an_order_waits_for_an_agent_that_comes_later(
    broker: Broker, start_agent: Any, order: Any, echo: Any
) -> None:
    async with Caller.connect(broker.address, mission="m1") as caller:
        asking = asyncio.ensure_future(caller.ask(order()))
        await asyncio.sleep(0.05)
        start_agent(echo)
        assert isinstance(await asking, Answered)


async def test_an_unknown_agent_is_answered_with_the_known_names(
    broker: Broker, start_agent: Any, order: Any, sleeper: Any
) -> None:
    start_agent(sleeper)
    async with Caller.connect(broker.address, mission="m1") as caller:
        asyncio.ensure_future(caller.ask(order("hold")))
        await sleeper.began.wait()
        outcome = await caller.ask(order("o2", agent="painter", seconds=0.1))
        sleeper.release.set()
    assert isinstance(outcome, Faulted)
    assert (outcome.kind, outcome.billed) == ("unavailable", False)
    assert "'painter'" in outcome.detail
    assert "'coder'" in outcome.detail


async def test_a_full_queue_refuses_and_costs_nothing(
    open_broker: Any, start_agent: Any, order: Any, sleeper: Any, quick: Any
) -> None:
    async with (
        open_broker(quick(queue=1)) as broker,
        Caller.connect(broker.address, mission="m1") as caller,
    ):
        start_agent(sleeper)
        first = asyncio.ensure_future(caller.ask(order("o1")))
        await sleeper.began.wait()
        second = asyncio.ensure_future(caller.ask(order("o2")))
        await asyncio.sleep(0)
        third = await caller.ask(order("o3"))
        sleeper.release.set()
        await asyncio.gather(first, second)
    assert isinstance(third, Faulted)
    assert (third.kind, third.usage, third.billed) == ("unavailable", None, False)
    assert "1 orders wait" in third.detail


async def test_a_caller_with_too_many_unanswered_orders_is_refused(
    open_broker: Any, start_agent: Any, order: Any, sleeper: Any, quick: Any
) -> None:
    async with (
        open_broker(quick(unanswered=1)) as broker,
        Caller.connect(broker.address, mission="m1") as caller,
    ):
        start_agent(sleeper)
        first = asyncio.ensure_future(caller.ask(order("o1")))
        await sleeper.began.wait()
        second = await caller.ask(order("o2"))
        sleeper.release.set()
        assert isinstance(await first, Answered)
    assert isinstance(second, Faulted)
    assert (second.kind, second.billed) == ("unavailable", False)


async def test_the_same_order_asked_twice_is_worked_on_once(
    broker: Broker, start_agent: Any, order: Any, sleeper: Any
) -> None:
    start_agent(sleeper, capacity=2)
    async with Caller.connect(broker.address, mission="m1") as caller:
        asks = [asyncio.ensure_future(caller.ask(order())) for _ in range(2)]
        await sleeper.began.wait()
        sleeper.release.set()
        one, two = await asyncio.gather(*asks)
        again = await caller.ask(order())
    assert one == two == again
    assert sleeper.seen == ["o1"]


async def test_a_second_connection_attaches_to_the_order_in_flight(
    broker: Broker, start_agent: Any, order: Any, sleeper: Any
) -> None:
    start_agent(sleeper, capacity=2)
    async with (
        Caller.connect(broker.address, mission="m1") as former,
        Caller.connect(broker.address, mission="m1") as latter,
    ):
        first = asyncio.ensure_future(former.ask(order()))
        await sleeper.began.wait()
        second = asyncio.ensure_future(latter.ask(order()))
        await asyncio.sleep(0.05)
        sleeper.release.set()
        assert isinstance(await second, Answered)
        first.cancel()
    assert sleeper.seen == ["o1"]


async def test_an_order_that_outlives_its_seconds_is_cancelled_at_the_agent(
    broker: Broker, start_agent: Any, order: Any, make_sleeper: Any
) -> None:
    usage = Usage(prompt_tokens=5, completion_tokens=6)
    said = Faulted(kind="unknown", detail="stopped", usage=usage, billed=True)
    sleeper = make_sleeper(said)
    start_agent(sleeper)
    async with Caller.connect(broker.address, mission="m1") as caller:
        outcome = await caller.ask(order(seconds=0.1))
    assert outcome == said
    assert sleeper.cancelled.is_set()


class Stubborn:
    """Pays no attention to being cancelled for a while."""

    async def answer(self, order: Order) -> Outcome:
        for _ in range(2):
            try:
                await asyncio.sleep(0.4)
            except asyncio.CancelledError:
                continue
        return Faulted(kind="unavailable", detail="at last", usage=None, billed=False)


async def test_an_agent_that_does_not_stop_leaves_the_cost_unknown(
    broker: Broker, start_agent: Any, order: Any
) -> None:
    start_agent(Stubborn())
    async with Caller.connect(broker.address, mission="m1") as caller:
        outcome = await caller.ask(order(seconds=0.1))
    assert isinstance(outcome, Faulted)
    assert (outcome.kind, outcome.usage, outcome.billed) == ("unknown", None, True)


class Broken:
    """Fails with a secret in its words."""

    async def answer(self, order: Order) -> Outcome:
        raise RuntimeError("key sk-secret")


async def test_a_failing_answerer_faults_its_order_and_keeps_serving(
    broker: Broker, start_agent: Any, order: Any, caplog: Any
) -> None:
    start_agent(Broken())
    async with Caller.connect(broker.address, mission="m1") as caller:
        outcomes = [await caller.ask(order(f"o{n}")) for n in range(2)]
    for outcome in outcomes:
        assert isinstance(outcome, Faulted)
        assert (outcome.kind, outcome.billed) == ("unknown", True)
        assert "RuntimeError" in outcome.detail
        assert "sk-secret" not in outcome.detail
    assert "sk-secret" not in caplog.text


async def test_an_order_too_large_for_the_bus_is_rejected_unsent(
    broker: Broker, order: Any
) -> None:
    large = order(brief=Brief(step="work", goal="x" * MAX_BYTES))
    async with Caller.connect(broker.address, mission="m1") as caller:
        outcome = await caller.ask(large)
    assert isinstance(outcome, Faulted)
    assert (outcome.kind, outcome.billed) == ("rejected", False)


async def test_an_order_the_broker_would_not_accept_is_rejected_unsent(
    broker: Broker, order: Any
) -> None:
    async with Caller.connect(broker.address, mission="m1") as caller:
        outcome = await caller.ask(order(seconds=float("nan")))
    assert isinstance(outcome, Faulted)
    assert outcome.kind == "rejected"
    assert "seconds" in outcome.detail


class Verbose:
    """Answers more than the bus carries."""

    async def answer(self, order: Order) -> Outcome:
        usage = Usage(prompt_tokens=1, completion_tokens=9)
        text = "x" * MAX_BYTES
        return Answered(text=text, usage=usage, model="m", seconds=0.0, instance="")


async def test_an_answer_too_large_for_the_bus_is_charged_at_its_usage(
    broker: Broker, start_agent: Any, order: Any
) -> None:
    start_agent(Verbose())
    async with Caller.connect(broker.address, mission="m1") as caller:
        outcome = await caller.ask(order())
    assert isinstance(outcome, Faulted)
    assert outcome.kind == "invalid"
    assert outcome.usage == Usage(prompt_tokens=1, completion_tokens=9)
