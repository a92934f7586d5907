"""An Event that cannot be written stops nothing, and is said as soon as it can be."""

import pytest
from operator_world import World, formation

from hekaton_operator.actions import Tell
from hekaton_operator.errors import Away, OperatorError, Stale
from hekaton_operator.events import Events
from hekaton_operator.manifest import Manifest
from hekaton_operator.objects import Body, Key

CREW = Key("Formation", "team", "crew")


class Muted(World):
    """Takes everything but Events, as a server whose Events are kept elsewhere may."""

    fault: OperatorError

    async def apply(self, manifest: Manifest, guarded: bool) -> Body:
        if manifest.key.kind == "Event":
            raise self.fault
        return await super().apply(manifest, guarded)


@pytest.mark.parametrize("fault", [Away("busy", after=1), Stale("conflict")], ids=["away", "stale"])
async def test_a_status_is_written_though_its_event_cannot_be(fault: OperatorError) -> None:
    world = Muted()
    world.fault = fault
    world.user(formation(roles=[{"name": "broker", "role": "sapper", "model": "m"}]))
    await world.settle()
    assert world.condition(CREW, "Stalled")["reason"] == "RoleNameTaken"
    world.queue.close()


def test_what_could_not_be_said_may_be_said_at_once() -> None:
    events, tell = Events("op-1"), Tell(CREW, "u", "Warning", "Why", "Because.")
    assert events.event(tell, 1.0) is not None
    assert events.event(tell, 2.0) is None
    events.unsaid(tell)
    assert events.event(tell, 3.0) is not None
