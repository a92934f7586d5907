"""A cluster in memory, empty or with a team that is ready."""

from collections.abc import AsyncIterator

import pytest
from operator_world import World, crew_pods, formation

from hekaton_operator.objects import Key


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """An empty cluster."""
    made = World()
    yield made
    made.queue.close()


@pytest.fixture
async def crew(world: World) -> Key:
    """A formation with one ready replica."""
    key = world.user(formation())
    await world.settle()
    for pod in crew_pods(world):
        world.pod_ready(pod)
    await world.settle()
    return key
