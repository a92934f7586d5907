"""A place that is free is taken at once, and a position that is shown is the true one."""

from operator_world import World, formation, mission

from hekaton_operator.objects import Key
from hekaton_operator.progress import Progress


async def _waiting(world: World, *names: str) -> list[Key]:
    """Missions of one formation without a ready pod, each settled before the next comes."""
    world.user(formation())
    found = []
    for name in names:
        found.append(world.user(mission(name)))
        await world.settle()
        world.now += 1
    return found


def _shown(world: World, *missions: Key) -> list[int]:
    return [world.status(each)["queuePosition"] for each in missions]


async def test_one_with_priority_moves_the_positions_of_those_behind_it(world: World) -> None:
    first, second = await _waiting(world, "first", "second")
    urgent = world.user(mission("urgent", priority=5))
    await world.settle()
    assert _shown(world, urgent, first, second) == [0, 1, 2]


async def test_a_priority_that_rises_or_falls_moves_all_between(world: World) -> None:
    first, second, third = await _waiting(world, "first", "second", "third")
    world.user(mission("third", priority=5))
    await world.settle()
    assert _shown(world, third, first, second) == [0, 1, 2]
    world.user(mission("third", priority=-5))
    await world.settle(until=600.0)  # positions alone are told seldom
    assert _shown(world, first, second, third) == [0, 1, 2]


async def test_a_suspended_one_that_has_not_begun_gives_its_place_to_the_next(
    world: World, crew: Key
) -> None:
    early, late = world.user(mission("early")), world.user(mission("late"))
    await world.settle()
    world.user(mission("early", suspend=True))
    await world.settle()
    assert world.condition(early, "Admitted")["reason"] == "Suspended"
    assert world.condition(late, "Admitted")["status"] == "True"


async def test_a_place_that_a_job_leaves_before_its_status_tells_is_not_lost(
    world: World, crew: Key
) -> None:
    early, late = world.user(mission("early")), world.user(mission("late"))
    await world.settle()
    uid = world.objects[early]["metadata"]["uid"]
    world.row_is(Progress(uid, "running", owned=True))
    await world.settle()
    world.user(mission("early", suspend=True))
    world.deliver()
    await world.step()  # the Job is suspended before anybody else looks
    await world.settle()
    assert world.condition(late, "Admitted")["status"] == "True"
    before = len(world.writes)
    world.dispatch.everything()
    await world.settle()
    assert len(world.writes) == before
