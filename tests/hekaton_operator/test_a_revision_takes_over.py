"""DrainAndSwap, BlueGreen and InPlace: who stands when, and where missions go meanwhile."""

import pytest
from operator_world import SPACE, World, crew_pods, formation, mission

from hekaton_operator.names import REVISION
from hekaton_operator.objects import Key
from hekaton_operator.progress import Progress


def sets(world: World) -> set[str]:
    return {key.name for key in world.objects if key.kind == "StatefulSet"}


def changed(strategy: str) -> dict[str, object]:
    """Another revision: a role more."""
    roles = [
        {"name": name, "role": name, "model": "m"} for name in ("sapper", "auditor", "analyst")
    ]
    return formation(roles=roles, update={"strategy": strategy, "drainTimeout": "10m"})


@pytest.fixture
async def busy(world: World, crew: Key) -> Key:
    """A mission that works on the first revision."""
    key = world.user(mission())
    await world.settle()
    row = Progress(world.objects[key]["metadata"]["uid"], "running", owned=True)
    world.row_is(row)
    await world.settle()
    return key


async def test_drain_and_swap_waits_for_the_mission_then_swaps(
    world: World, crew: Key, busy: Key
) -> None:
    (old,) = sets(world)
    world.user(changed("DrainAndSwap"))
    late = world.user(mission("late"))
    await world.settle()
    assert sets(world) == {old}
    assert world.condition(crew, "SwapInProgress")["reason"] == "Draining"
    assert world.condition(crew, "Ready")["status"] == "False"
    assert world.condition(late, "Admitted")["reason"] == "FormationNotReady"
    uid = world.objects[busy]["metadata"]["uid"]
    world.row_is(Progress(uid, "passed"))
    await world.settle()
    (new,) = sets(world)
    assert new != old
    world.pod_ready(crew_pods(world)[0])
    await world.settle()
    assert world.condition(crew, "Ready")["status"] == "True"
    assert world.condition(late, "Admitted")["status"] == "True"


async def test_drain_and_swap_never_runs_both_revisions(world: World, crew: Key) -> None:
    world.user(changed("DrainAndSwap"))
    for _ in range(200):
        world.deliver()
        await world.step()
        revisions = {world.objects[p]["metadata"]["labels"][REVISION] for p in crew_pods(world)}
        assert len(revisions) <= 1
        world.controllers()


async def test_a_mission_that_outlives_the_drain_goes_on_with_the_new_revision(
    world: World, crew: Key, busy: Key
) -> None:
    world.user(changed("DrainAndSwap"))
    await world.settle()
    (old,) = sets(world)
    world.now += 601
    world.dispatch.everything()
    await world.settle()
    (new,) = sets(world)
    assert new != old
    world.pod_ready(crew_pods(world)[0])
    await world.settle()
    (job,) = [key for key in world.objects if key.kind == "Job"]
    assert world.objects[job]["metadata"]["labels"]["hekaton.dev/replica"] == f"{new}-0"


async def test_blue_green_keeps_the_old_until_the_new_is_ready(world: World, crew: Key) -> None:
    (old,) = sets(world)
    world.user(changed("BlueGreen"))
    await world.settle()
    assert old in sets(world)
    assert len(sets(world)) == 2
    assert world.status(crew)["revisions"]["current"] == old
    assert world.condition(crew, "Serving")["status"] == "True"
    for pod in crew_pods(world):
        world.pod_ready(pod)
    await world.settle()
    assert old not in sets(world)
    assert world.condition(crew, "Ready")["status"] == "True"


async def test_in_place_replaces_at_once(world: World, crew: Key, busy: Key) -> None:
    (old,) = sets(world)
    world.user(changed("InPlace"))
    await world.settle()
    assert old not in sets(world)
    assert len(sets(world)) == 1


async def test_the_config_map_of_a_gone_revision_goes_too(world: World, crew: Key) -> None:
    (old,) = sets(world)
    world.user(changed("InPlace"))
    await world.settle()
    assert Key("ConfigMap", SPACE, old) not in world.objects
