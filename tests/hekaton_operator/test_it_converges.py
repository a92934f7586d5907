"""Whatever happens in whatever order, the operator comes to rest, and never claims what is not so."""

import asyncio
import random
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from operator_world import World, crew_pods, formation, mission

from hekaton_operator.mission.view import ENDS
from hekaton_operator.names import ATTEMPT, FORMATION, attempt_id
from hekaton_operator.objects import Key
from hekaton_operator.progress import Progress

NAMES = ("a", "b", "c")
Deed = Callable[[World, random.Random], None]


def _change(world: World, dice: random.Random) -> None:
    roles = [{"name": name, "role": name, "model": "m"} for name in ("sapper", "auditor")]
    if dice.random() < 0.5:
        roles.append({"name": "analyst", "role": "analyst", "model": "m"})
    strategy = dice.choice(["DrainAndSwap", "BlueGreen", "InPlace"])
    numbers: dict[str, Any] = {"replicas": dice.randrange(3), "capacity": dice.randrange(1, 3)}
    world.user(formation(roles=roles, update={"strategy": strategy}, **numbers))


def _mission(world: World, dice: random.Random) -> None:
    name = dice.choice(NAMES)
    key = Key("Mission", "team", name)
    old = world.objects.get(key, {}).get("spec", {})
    cancel = bool(old.get("cancel")) or dice.random() < 0.2
    spec: dict[str, Any] = {"cancel": cancel, "suspend": dice.random() < 0.2, "retries": 1}
    world.user(mission(name, priority=dice.randrange(3), **spec))


def _lose(world: World, dice: random.Random) -> None:
    """Somebody deletes a child."""
    there = sorted(k for k in world.objects if k.kind not in ("Formation", "Mission", "Pod"))
    if there:
        world.remove(dice.choice(there))


def _leave(world: World, dice: random.Random) -> None:
    world.remove(Key("Mission", "team", dice.choice(NAMES)))


def _pod(world: World, dice: random.Random) -> None:
    pods = crew_pods(world)
    if pods:
        world.pod_ready(dice.choice(pods), dice.random() < 0.8)


def _row(world: World, dice: random.Random) -> None:
    """A conductor says how far it is; what has ended stays ended."""
    for key in sorted(k for k in world.objects if k.kind == "Mission"):
        uid = world.objects[key]["metadata"]["uid"]
        attempt = world.status(key).get("attempt", 0)
        name = f"{uid}-r{attempt}" if attempt else uid
        begun = any(k.kind == "Job" and k.name.startswith(f"{key.name}-") for k in world.objects)
        before = world.rows.get(name)
        if begun and not (before and before.over) and dice.random() < 0.7:
            state = dice.choice(["running", "running", "passed", "failed"])
            world.row_is(Progress(name, state, owned=True, started=world.now, spent_tokens=7))


DEEDS: tuple[Deed, ...] = (_change, _mission, _mission, _lose, _leave, _pod, _pod, _row, _row)


def truthful(world: World) -> None:
    """What must hold at every moment of the cluster's own truth."""
    for key in [k for k in world.objects if k.kind == "Formation"]:
        body, ready = world.objects[key], world.condition(key, "Ready")
        if ready.get("status") == "True":
            assert ready["observedGeneration"] <= body["metadata"]["generation"]
    loads: dict[str, int] = {}
    for key, body in world.objects.items():
        labels = body["metadata"].get("labels", {})
        owner = Key("Mission", "team", labels.get("hekaton.dev/mission", ""))
        works = key.kind == "Job" and owner in world.objects and not body["spec"].get("suspend")
        if works and not _concluded(world, owner, labels):
            replica = labels["hekaton.dev/replica"]
            loads[replica] = loads.get(replica, 0) + 1
    assert all(load <= 2 for load in loads.values())  # the highest capacity that is ever asked for


def _concluded(world: World, owner: Key, labels: dict[str, str]) -> bool:
    """Whether a Job's mission has ended, or its attempt has: then its conductor only leaves."""
    uid = world.objects[owner]["metadata"]["uid"]
    row = world.rows.get(attempt_id(uid, int(labels[ATTEMPT])))
    ended = any(world.condition(owner, e).get("status") == "True" for e in ENDS)
    return ended or (row is not None and row.over)


def at_rest(world: World) -> None:
    """What must hold when nothing is left to do."""
    for key in [k for k in world.objects if k.kind == "Formation"]:
        body = world.objects[key]
        status = world.status(key)
        assert status["observedGeneration"] == body["metadata"]["generation"]
        assert all(
            c["observedGeneration"] == status["observedGeneration"] for c in status["conditions"]
        )
        pods = [world.objects[pod] for pod in crew_pods(world)]
        ready = sum(_is_ready(pod) for pod in pods)
        claimed = world.condition(key, "Ready")["status"] == "True"
        if claimed:
            assert ready >= body["spec"].get("replicas", 1) > 0
            assert len({pod["metadata"]["labels"]["hekaton.dev/revision"] for pod in pods}) == 1
    for key in [k for k in world.objects if k.kind == "Mission"]:
        admitted = world.condition(key, "Admitted")
        assert admitted
        if world.condition(key, "Running").get("status") == "True":
            assert admitted["status"] == "True"


def _is_ready(pod: dict[str, object]) -> bool:
    status = pod["status"]
    assert isinstance(status, dict)
    return any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions", ()))


async def _play(deeds: list[int], seed: int) -> None:
    world, dice = World(), random.Random(seed)
    world.user(formation())
    for number in deeds:
        DEEDS[number](world, dice)
        for _ in range(dice.randrange(4)):
            world.now += dice.random()
            if dice.random() < 0.7:
                world.deliver(dice)
            if dice.random() < 0.5:
                world.controllers()
            await world.step()
            truthful(world)
    await world.settle()
    at_rest(world)
    world.writes.clear()
    world.dispatch.everything()
    await world.settle()
    assert world.writes == [], "a second look found something to write"
    world.queue.close()


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.integers(0, len(DEEDS) - 1), min_size=1, max_size=25), st.integers(0, 2**32 - 1))
def test_it_comes_to_rest_and_tells_the_truth(deeds: list[int], seed: int) -> None:
    asyncio.run(_play(deeds, seed))


async def _burst(count: int) -> World:
    world = World()
    world.user(formation(replicas=2, capacity=2))
    await world.settle()
    for pod in crew_pods(world):
        world.pod_ready(pod)
    for number in range(count):
        world.user(mission(f"m-{number:02}"))
    await world.settle()
    return world


def test_workers_side_by_side_never_give_a_place_twice() -> None:
    """Two missions are decided while neither's writes are done."""

    async def play() -> None:
        world = await _burst(0)
        world.slow = True
        for number in range(6):
            world.user(mission(f"m-{number}"))
        world.deliver()

        async def slow(_: object) -> None:
            while await world.step():
                await asyncio.sleep(0)

        await asyncio.gather(*(slow(None) for _ in range(5)))
        await world.settle()
        jobs = [k for k in world.objects if k.kind == "Job"]
        assert len(jobs) == 4
        replicas = [world.objects[k]["metadata"]["labels"]["hekaton.dev/replica"] for k in jobs]
        assert sorted(replicas.count(each) for each in set(replicas)) == [2, 2]
        assert world.pods(FORMATION, "crew")

    asyncio.run(play())
