"""Keys are renewed when somebody asks for it, but never under pods that must stay for a while."""

from typing import Any

import pytest
from operator_world import SPACE, World, crew_pods, formation, mission

from hekaton_operator.names import ROTATED
from hekaton_operator.objects import Key
from hekaton_operator.progress import Progress

BUS, PERMITS = (Key("Secret", SPACE, f"crew-{name}") for name in ("bus", "permits"))
OTHERS = [{"name": name, "role": name, "model": "m"} for name in ("worker", "auditor")]
ASKED = "2026-11-21"


def asked(**spec: Any) -> dict[str, Any]:
    """The formation with new keys asked for."""
    body = formation(**spec)
    body["metadata"]["annotations"] = {"hekaton.dev/rotate": ASKED}
    return body


def data(world: World, key: Key) -> dict[str, str]:
    found: dict[str, str] = world.objects[key]["data"]
    return found


@pytest.fixture
async def busy(world: World, crew: Key) -> str:
    """The row of a mission that works with the first revision."""
    key = world.user(mission())
    await world.settle()
    uid: str = world.objects[key]["metadata"]["uid"]
    world.row_is(Progress(uid, "running", owned=True))
    await world.settle()
    return uid


@pytest.mark.parametrize("strategy", ["DrainAndSwap", "BlueGreen"])
async def test_an_old_revision_keeps_its_keys_until_it_goes(
    world: World, busy: str, strategy: str
) -> None:
    before = data(world, BUS)
    world.user(asked(roles=OTHERS, update={"strategy": strategy}))
    await world.settle()
    for pod in crew_pods(world):
        world.pod_ready(pod)
    await world.settle()
    assert before.items() <= data(world, BUS).items(), "a pod of it could not start again"
    world.row_is(Progress(busy, "passed"))
    await world.settle()
    assert not set(before.values()) & set(data(world, BUS).values())
    assert {name.rpartition(".")[0] for name in data(world, BUS)} == {
        "broker", "conductor", "worker", "auditor",
    }  # fmt: skip
    assert world.objects[PERMITS]["metadata"]["annotations"][ROTATED] == ASKED


async def test_pods_of_the_same_revision_begin_anew_with_new_keys(
    world: World, crew: Key, busy: str
) -> None:
    pod = crew_pods(world)[0]
    before = world.objects[pod]["metadata"]["uid"]
    (job,) = [key for key in world.objects if key.kind == "Job"]
    world.user(asked())
    await world.settle()
    assert world.objects[pod]["metadata"]["uid"] != before
    assert world.condition(crew, "Ready")["status"] == "False"
    assert job in world.objects, "its conductor goes on by itself"


async def test_asking_once_renews_once(world: World, crew: Key) -> None:
    world.user(asked())
    await world.settle()
    for pod in crew_pods(world):
        world.pod_ready(pod)
    await world.settle()
    world.writes.clear()
    world.restart()
    world.dispatch.everything()
    await world.settle()
    assert world.writes == []


async def test_a_lost_key_of_permits_leaves_the_bus_alone(world: World, crew: Key) -> None:
    before = data(world, BUS)
    world.remove(PERMITS)
    await world.settle()
    assert PERMITS in world.objects
    assert data(world, BUS) == before
