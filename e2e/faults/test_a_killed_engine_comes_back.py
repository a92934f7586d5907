"""`kill -9` of vLLM's servers under a mission: the launcher starts them again, and nothing is spent twice."""

import pytest
from cluster.use import Cluster
from cluster.waiting import until
from faults.blows import Container
from promises import engines
from promises.missions import mission

pytestmark = pytest.mark.full
TEAM = "hekaton.dev/formation=pair,app.kubernetes.io/component=formation"
WORKING = 600.0


def test_engines_come_back_and_the_mission_ends_honestly(installed: Cluster) -> None:
    with engines.served(installed) as space:
        space.apply_text(mission("struck", "pair", commands="test -f durations.py"))
        until(
            lambda: "" if space.get("mission", "struck")["status"].get("spent") else "no call", 120
        )
        Container(TEAM, "engines").kill_children(space)

        def untold() -> str:
            ready = space.condition("formation", "pair", "Ready")
            return "" if ready["status"] == "False" else str(ready)

        until(untold, 60)
        space.wait("formation", "pair", "Ready", engines.STARTING)
        space.wait("mission", "struck", "Failed", WORKING)
        found = space.get("mission", "struck")
        assert 0 < found["status"]["spent"]["tokens"] <= found["spec"]["budget"]["tokens"]
        assert found["status"]["reserved"].get("tokens", 0) == 0
        (pod,) = space.listed("pods", TEAM)
        assert all(one["restartCount"] == 0 for one in pod["status"]["containerStatuses"])
