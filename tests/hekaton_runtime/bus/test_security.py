"""Who gets in, what a hostile peer can do, and that the broker outlives it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from hekaton_runtime.brief import Brief
from hekaton_runtime.bus.addresses import reachable
from hekaton_runtime.bus.broker import Broker
from hekaton_runtime.bus.caller import Caller
from hekaton_runtime.bus.curve import generate
from hekaton_runtime.bus.keys import Admitted, BrokerKeys, PeerKeys
from hekaton_runtime.bus.messages import (
    MAX_BYTES,
    AgentHello,
    Answered,
    Beat,
    Bye,
    Deliver,
    Halt,
    Report,
    Welcome,
    decode_control,
    decode_from_broker,
    encode,
)
from hekaton_runtime.bus.peer import serve_agent
from hekaton_runtime.bus.sockets import Dealer, Sockets
from hekaton_runtime.errors import BadInput, Unavailable
from hekaton_runtime.results import Usage

TCP = "tcp://127.0.0.1:0"


@asynccontextmanager
async def guarded(settings: Any, *names: str) -> AsyncIterator[tuple[Broker, dict[str, PeerKeys]]]:
    """A broker on tcp that admits the named keys; "stranger" has a key it does not admit."""
    own = generate("broker")
    pairs = {name: generate(name) for name in (*names, "stranger")}
    admitted = tuple(Admitted(name, pairs[name].public) for name in names)
    stop = asyncio.Event()
    async with Broker.bind(TCP, TCP, settings, BrokerKeys(own, admitted)) as broker:
        running = asyncio.ensure_future(broker.run(stop))
        yield broker, {name: PeerKeys(pair, own.public) for name, pair in pairs.items()}
        stop.set()
        await running


@asynccontextmanager
async def raw(address: str, high_water: int = 100) -> AsyncIterator[Dealer]:
    """A bare connection that can send anything."""
    async with Sockets(high_water=high_water, heartbeat=1.0, patience=5.0) as sockets:
        dealer = sockets.dealer(address, None)
        yield dealer


async def send(dealer: Dealer, frame: bytes) -> None:
    async with asyncio.timeout(2):
        while not dealer.send_now(frame):
            await asyncio.sleep(0.01)


async def test_tcp_with_curve_carries_orders(quick: Any, order: Any, echo: Any) -> None:
    async with guarded(quick(), "conductor", "coder") as (broker, keys):
        stop = asyncio.Event()
        agent = asyncio.ensure_future(
            serve_agent(
                broker.address,
                agent="coder",
                instance="c0",
                answerer=echo,
                keys=keys["coder"],
                stop=stop,
            )
        )
        async with Caller.connect(broker.address, mission="m1", keys=keys["conductor"]) as caller:
            assert isinstance(await caller.ask(order()), Answered)
        stop.set()
        await agent


async def test_a_halt_is_published_on_the_control_channel(quick: Any) -> None:
    async with (
        guarded(quick(), "conductor", "coder") as (broker, keys),
        Sockets(high_water=100, heartbeat=1.0, patience=5.0) as sockets,
        Caller.connect(broker.address, mission="m1", keys=keys["conductor"]) as caller,
    ):
        subscriber = sockets.subscriber(broker.control_address, keys["coder"])
        hearing = asyncio.ensure_future(subscriber.receive())
        async with asyncio.timeout(3):
            while not hearing.done():  # a subscription takes a moment to arrive
                await caller.halt("kill switch")
                await asyncio.sleep(0.01)
        assert decode_control(hearing.result()) == Halt(mission="m1", reason="kill switch")


async def test_an_unknown_key_is_refused(quick: Any) -> None:
    async with guarded(quick(), "conductor") as (broker, keys):
        with pytest.raises(Unavailable, match="admit this key"):
            async with Caller.connect(
                broker.address, mission="m1", keys=keys["stranger"], wait=0.4
            ):
                pass
        async with Caller.connect(broker.address, mission="m1", keys=keys["conductor"]):
            pass


async def test_tcp_without_keys_is_refused_on_both_sides(quick: Any) -> None:
    with pytest.raises(BadInput, match="without CURVE keys"):
        async with Broker.bind(TCP, TCP, quick()):
            pass
    with pytest.raises(BadInput, match="without CURVE keys"):
        async with Caller.connect("tcp://127.0.0.1:1", mission="m1"):
            pass


async def test_a_socket_folder_that_others_may_enter_is_refused(
    folder: Path, address: str, quick: Any
) -> None:
    folder.chmod(0o755)
    with pytest.raises(BadInput, match="0755"):
        async with Broker.bind(address, address + "c", quick()):
            pass


async def test_a_socket_path_too_long_is_refused(folder: Path, quick: Any) -> None:
    long = f"ipc://{folder}/{'x' * 120}"
    with pytest.raises(BadInput, match="107 bytes"):
        async with Broker.bind(long, long + "c", quick()):
            pass


@pytest.mark.parametrize(
    ("frame", "cause"),
    [
        (b"", "version"),
        (b"\x07hello", "version"),
        (b"\x01\xc1", "malformed"),
        (b"\x01" + b"\x91" * 5000, "malformed"),
        (b"\x01" * (MAX_BYTES + 1), "oversized"),
    ],
    ids=["empty", "version", "garbage", "deep", "oversized"],
)
async def test_a_bad_frame_is_counted_and_the_broker_goes_on(
    broker: Broker, start_agent: Any, order: Any, echo: Any, eventually: Any, frame: Any, cause: Any
) -> None:
    start_agent(echo)
    async with raw(broker.address) as dealer:
        await send(dealer, frame)
        await eventually(lambda: broker.complaints(cause) == 1)
        async with Caller.connect(broker.address, mission="m1") as caller:
            assert isinstance(await caller.ask(order()), Answered)


async def test_a_huge_frame_cuts_its_own_connection_only(
    broker: Broker, start_agent: Any, order: Any, echo: Any
) -> None:
    start_agent(echo)
    async with raw(broker.address) as dealer:
        await send(dealer, b"\x01" * (2 * MAX_BYTES + 1))
        async with Caller.connect(broker.address, mission="m1") as caller:
            assert isinstance(await caller.ask(order()), Answered)


async def test_a_flood_of_garbage_does_not_stop_others(
    broker: Broker, start_agent: Any, order: Any, echo: Any, caplog: Any
) -> None:
    start_agent(echo)
    async with raw(broker.address) as dealer:
        await send(dealer, b"\x01\xc1")
        for _ in range(3000):
            dealer.send_now(b"\x01\xc1")
        async with Caller.connect(broker.address, mission="m1") as caller:
            assert isinstance(await caller.ask(order()), Answered)
    lines = [r for r in caplog.records if "malformed" in r.getMessage()]
    assert len(lines) == 1


async def test_a_lying_agent_is_dropped_and_the_order_is_answered_by_its_own(
    broker: Broker, start_agent: Any, order: Any, sleeper: Any, eventually: Any
) -> None:
    start_agent(sleeper)
    async with raw(broker.address) as liar, Caller.connect(broker.address, mission="m1") as caller:
        await send(liar, encode(AgentHello(protocol=1, agent="x", instance="y", capacity=1)))
        welcome = decode_from_broker(await liar.receive())
        assert isinstance(welcome, Welcome)
        asking = asyncio.ensure_future(caller.ask(order()))
        await sleeper.began.wait()
        forged = Answered(
            text="forged",
            usage=Usage(prompt_tokens=0, completion_tokens=0),
            model="m",
            seconds=0.0,
            instance="",
        )
        lie = Report(session=welcome.session, mission="m1", order="o1", outcome=forged)
        await send(liar, encode(lie))
        await eventually(lambda: broker.complaints("lie") == 1)
        sleeper.release.set()
        outcome = await asking
    assert isinstance(outcome, Answered)
    assert outcome.text == "goal of o1"


async def test_an_agent_that_takes_an_order_and_falls_silent_is_lost(
    broker: Broker, order: Any
) -> None:
    async with raw(broker.address) as mute, Caller.connect(broker.address, mission="m1") as caller:
        await send(mute, encode(AgentHello(protocol=1, agent="coder", instance="y", capacity=1)))
        await mute.receive()
        asking = asyncio.ensure_future(caller.ask(order()))
        delivered = decode_from_broker(await mute.receive())
        assert isinstance(delivered, Deliver)
        assert (await asking).kind == "lost"  # type: ignore[union-attr]


async def test_an_agent_that_does_not_read_is_dropped_and_others_are_served(
    open_broker: Any, quick: Any, order: Any, start_agent: Any, echo: Any
) -> None:
    brief = Brief(step="work", goal="x" * 20_000)

    async def flood(mission: str) -> list[str]:
        async with Caller.connect(broker.address, mission=mission) as caller:
            deaf = [
                order(f"d{n}", mission=mission, agent="deaf", seconds=0.5, brief=brief)
                for n in range(60)
            ]
            outcomes = await asyncio.gather(*map(caller.ask, deaf))
        return [outcome.kind for outcome in outcomes]  # type: ignore[union-attr]

    async with (
        open_broker(quick(high_water=64, unanswered=60, patience=5.0)) as broker,
        raw(broker.address, high_water=1) as deaf,
        Caller.connect(broker.address, mission="m1") as caller,
    ):
        hello = AgentHello(protocol=1, agent="deaf", instance="d", capacity=1000)
        await send(deaf, encode(hello))
        start_agent(echo)
        floods = [asyncio.ensure_future(flood(f"f{n}")) for n in range(3)]
        assert isinstance(await caller.ask(order()), Answered)
        kinds = [kind for flooded in floods for kind in await flooded]
    assert set(kinds) == {"lost", "unavailable"}


async def test_an_agent_of_another_protocol_is_denied(broker: Broker) -> None:
    async with raw(broker.address) as dealer:
        await send(dealer, encode(AgentHello(protocol=9, agent="a", instance="i", capacity=1)))
        answer = decode_from_broker(await dealer.receive())
        assert "protocol 9" in answer.reason  # type: ignore[union-attr]


async def test_goodbye_and_heartbeats_of_strangers_are_harmless(broker: Broker) -> None:
    async with raw(broker.address) as dealer:
        await send(dealer, encode(Bye()))
        assert decode_from_broker(await dealer.receive()) == Bye()
        await send(dealer, encode(Beat()))
        await dealer.receive()


def test_a_wildcard_is_replaced_by_the_host_the_peer_knows() -> None:
    assert reachable("tcp://0.0.0.0:71", "tcp://bus.example:70") == "tcp://bus.example:71"
    assert reachable("tcp://10.0.0.1:71", "tcp://bus.example:70") == "tcp://10.0.0.1:71"
    assert reachable("ipc:///x/c", "ipc:///x/b") == "ipc:///x/c"
