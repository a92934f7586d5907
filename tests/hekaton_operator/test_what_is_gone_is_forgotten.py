"""An object that turns out to be gone is forgotten at once, though no watch has told."""

from operator_world import World, mission

from hekaton_operator.objects import Key


async def test_a_mission_without_a_place_to_write_its_status(world: World, crew: Key) -> None:
    key = world.user(mission("a"))
    world.deliver()
    world.remove(key)  # and nobody delivers it
    while await world.step():
        pass
    assert not world.store.has(key)
    assert world.roster.get(key) is None
