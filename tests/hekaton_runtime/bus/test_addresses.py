"""Several addresses of one broker, and what each peer makes of its control channel."""

import asyncio
from pathlib import Path

import pytest

from hekaton_runtime.bus.addresses import reachable
from hekaton_runtime.bus.broker import Broker
from hekaton_runtime.bus.curve import generate
from hekaton_runtime.bus.keys import Admitted, BrokerKeys, PeerKeys
from hekaton_runtime.bus.messages import Faulted, Order, Outcome
from hekaton_runtime.bus.peer import serve_agent
from hekaton_runtime.bus.settings import BusSettings


@pytest.mark.parametrize(
    ("control", "address", "found"),
    [
        ("tcp://0.0.0.0:5591", "ipc:///run/hekaton/bus", "tcp://127.0.0.1:5591"),
        ("tcp://0.0.0.0:5591", "tcp://pod-0.fm:5590", "tcp://pod-0.fm:5591"),
        ("tcp://10.0.0.1:5591", "tcp://pod-0.fm:5590", "tcp://10.0.0.1:5591"),
        ("ipc:///run/control", "ipc:///run/bus", "ipc:///run/control"),
    ],
    ids=["inside the pod", "outside", "one address", "ipc alone"],
)
def test_a_peer_finds_the_control_channel_by_the_host_that_it_knows(
    control: str, address: str, found: str
) -> None:
    assert reachable(control, address) == found


class Idle:
    async def answer(self, order: Order) -> Outcome:
        return Faulted(kind="rejected", detail="", usage=None, billed=False)


async def test_agents_on_both_addresses_are_on_one_list_and_say_so(tmp_path: Path) -> None:
    names = ("inside", "outside")
    pairs = {name: generate(name) for name in ("broker", *names)}
    admitted = tuple(Admitted(name, pairs[name].public) for name in names)
    keys, stop, there = BrokerKeys(pairs["broker"], admitted), asyncio.Event(), dict[str, bool]()
    tmp_path.chmod(0o777)  # as a pod's shared volume: CURVE keeps strangers out
    bound = Broker.bind(
        "tcp://127.0.0.1:0", "tcp://127.0.0.1:0", BusSettings(), keys, (f"ipc://{tmp_path}/bus",)
    )
    async with bound as broker, asyncio.TaskGroup() as group:
        assert [one.partition(":")[0] for one in broker.addresses] == ["tcp", "ipc"]
        group.create_task(broker.run(stop))
        for name, address in zip(names, reversed(broker.addresses), strict=True):
            group.create_task(
                serve_agent(
                    address,
                    agent=name,
                    instance="1",
                    answerer=Idle(),
                    stop=stop,
                    keys=PeerKeys(pairs[name], pairs["broker"].public),
                    joined=lambda here, name=name: there.update({name: here}),  # type: ignore[misc]
                )  # fmt: skip
            )
        async with asyncio.timeout(20):
            while broker.registered() != names or len(there) < 2:
                await asyncio.sleep(0.02)
        stop.set()
    assert there == dict.fromkeys(names, True)
