"""Each revision of a formation is a ControllerRevision: numbers, limit, rollback, and what is never deleted."""

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from operator_world import SPACE, World, crew_pods, formation, mission

from hekaton_api.formation import FormationSpec
from hekaton_operator.formation.revision import IN_PODS, content, revision
from hekaton_operator.names import REVISION
from hekaton_operator.objects import Key, Kind, controller_of
from hekaton_operator.progress import Progress

KIND: Kind = "ControllerRevision"
CREW = Key("Formation", SPACE, "crew")
TEAMS = (("sapper",), ("worker",), ("sapper", "auditor"), ("sapper", "analyst"))


def team(number: int, **spec: Any) -> dict[str, Any]:
    roles = [{"name": role, "role": role, "model": "m"} for role in TEAMS[number]]
    return formation(roles=roles, **{"update": {"strategy": "InPlace"}, **spec})


def named(number: int) -> str:
    return revision("crew", FormationSpec.model_validate(team(number)["spec"]))


def numbers(world: World) -> dict[str, int]:
    return {key.name: body["revision"] for key, body in world.objects.items() if key.kind == KIND}


async def change(world: World, *order: int, **spec: Any) -> None:
    for number in order:
        world.user(team(number, **spec))
        await world.settle()


async def test_each_revision_has_its_number_and_what_its_pods_are_made_of(world: World) -> None:
    await change(world, 0, 1)
    assert numbers(world) == {named(0): 1, named(1): 2}
    body = world.objects[Key(KIND, SPACE, named(1))]
    spec = FormationSpec.model_validate(team(1)["spec"])
    assert body["data"] == {"spec": content(spec)}
    assert set(body["data"]["spec"]) <= IN_PODS
    assert controller_of(body) == world.objects[CREW]["metadata"]["uid"]
    assert body["metadata"]["labels"][REVISION] == named(1)


async def test_a_rollback_has_the_highest_number_and_makes_no_object(world: World) -> None:
    await change(world, 0, 1)
    before = world.objects[Key(KIND, SPACE, named(0))]
    world.writes.clear()
    await change(world, 0)
    assert numbers(world) == {named(0): 3, named(1): 2}
    after = world.objects[Key(KIND, SPACE, named(0))]
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["data"] == before["data"]
    assert [what for what, key in world.writes if key.kind == KIND] == ["apply"]


async def test_what_pods_do_not_depend_on_is_no_revision(world: World) -> None:
    await change(world, 0)
    await change(world, 0, capacity=7, replicas=2, budget={"usdPerDay": 3})
    assert numbers(world) == {named(0): 1}


@pytest.mark.parametrize(("limit", "kept"), [(0, [3]), (1, [2, 3]), (2, [1, 2, 3])])
async def test_the_oldest_go_beyond_the_limit(world: World, limit: int, kept: list[int]) -> None:
    await change(world, 0, 1, 2, 3, revisionHistoryLimit=limit)
    assert sorted(numbers(world)) == sorted(named(number) for number in kept)


async def test_a_lowered_limit_counts_at_once(world: World) -> None:
    await change(world, 0, 1, 2)
    await change(world, 2, revisionHistoryLimit=1)
    assert set(numbers(world)) == {named(1), named(2)}


async def test_ten_are_kept_where_nobody_says_how_many(world: World) -> None:
    assert FormationSpec.model_validate(team(0)["spec"]).revision_history_limit == 10


async def test_a_revision_that_still_stands_is_never_forgotten(world: World, crew: Key) -> None:
    (old,) = (key.name for key in world.objects if key.kind == "StatefulSet")
    busy = world.user(mission())
    await world.settle()
    uid = world.objects[busy]["metadata"]["uid"]
    world.row_is(Progress(uid, "running", owned=True))
    drained = {"strategy": "DrainAndSwap", "drainTimeout": "10m"}
    await change(world, 0, 1, revisionHistoryLimit=0, update=drained)
    assert set(numbers(world)) == {old, named(1)}
    world.row_is(Progress(uid, "passed"))
    await world.settle()
    assert set(numbers(world)) == {named(1)}


async def test_a_restart_writes_nothing_down_again(world: World, crew: Key) -> None:
    await change(world, 0, 1, 0)
    for pod in crew_pods(world):
        world.pod_ready(pod)
    await world.settle()
    world.writes.clear()
    world.queue.close()
    world.restart()
    world.dispatch.everything()
    await world.settle()
    assert world.writes == []


async def test_one_of_an_earlier_formation_of_this_name_is_taken_over(world: World) -> None:
    await change(world, 0)
    key = Key(KIND, SPACE, named(0))
    kept = world.objects[key]
    world.remove(CREW)
    world.objects[key] = kept
    world.restart()
    await change(world, 0)
    body = world.objects[key]
    assert controller_of(body) == world.objects[CREW]["metadata"]["uid"]
    assert body["metadata"]["uid"] == kept["metadata"]["uid"]


async def test_those_of_a_stateful_set_are_nobody_s_business(world: World) -> None:
    await change(world, 0)
    meta = {
        "name": f"{named(0)}-7d9f", "namespace": SPACE, "uid": "other", "resourceVersion": "9",
        "labels": world.objects[Key(KIND, SPACE, named(0))]["metadata"]["labels"],
        "ownerReferences": [{"kind": "StatefulSet", "uid": "set", "controller": True}],
    }  # fmt: skip
    theirs = {"metadata": meta, "data": {}, "revision": 99}
    world.objects[Key(KIND, SPACE, meta["name"])] = theirs
    world.restart()
    await change(world, 1, revisionHistoryLimit=0)
    assert numbers(world) == {meta["name"]: 99, named(1): 2}


def remembered(order: list[tuple[int, int]]) -> dict[str, int]:
    """What a history must hold after these changes: (revision, limit)."""
    held: dict[str, int] = {}
    for number, limit in order:
        top = max(held.values(), default=0)
        if not held or held.get(named(number)) != top:
            held[named(number)] = top + 1
        old = sorted((n, name) for name, n in held.items() if name != named(number))
        for _, name in old[: max(0, len(old) - limit)]:
            del held[name]
    return held


changes = st.lists(
    st.tuples(st.integers(0, len(TEAMS) - 1), st.integers(0, 3)), min_size=1, max_size=12
)


@settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(changes)
def test_after_any_changes_the_history_is_what_happened(order: list[tuple[int, int]]) -> None:
    async def play() -> None:
        world = World()
        for number, limit in order:
            await change(world, number, revisionHistoryLimit=limit)
        assert numbers(world) == remembered(order)
        world.queue.close()

    asyncio.run(play())


@settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(changes, st.integers(0, 2**32 - 1))
def test_in_any_order_of_events_what_stands_is_written_down(
    order: list[tuple[int, int]], seed: int
) -> None:
    async def play() -> None:
        world, dice = World(), random.Random(seed)
        for number, limit in order:
            strategy = dice.choice(["InPlace", "BlueGreen", "DrainAndSwap"])
            world.user(team(number, revisionHistoryLimit=limit, update={"strategy": strategy}))
            await unsteady(world, dice, lambda: standing(world))
        await world.settle()
        held = numbers(world)
        assert len(set(held.values())) == len(held)
        assert max(held, key=held.__getitem__) == named(order[-1][0])
        gone = {key.name for key in world.objects if key.kind == "StatefulSet"} ^ set(held)
        assert len(gone) <= order[-1][1]
        world.queue.close()

    asyncio.run(play())


async def unsteady(world: World, dice: random.Random, check: Callable[[], None]) -> None:
    for _ in range(dice.randrange(12)):
        if dice.random() < 0.6:
            world.deliver(dice)
        if dice.random() < 0.4:
            world.controllers()
            for pod in crew_pods(world):
                world.pod_ready(pod, dice.random() < 0.8)
        await world.step()
        check()


def standing(world: World) -> None:
    """Every StatefulSet's revision is in the history."""
    sets = {key.name for key in world.objects if key.kind == "StatefulSet"}
    assert sets <= set(numbers(world))
