"""Real vLLM on CPU in the `engines` container, two tiny models in one pod: the mission ends honestly."""

import json
from collections.abc import Iterator

import pytest
from cluster.use import Cluster
from promises import engines
from promises.kubectl import Namespace
from promises.missions import mission

WORKING = 600.0


@pytest.fixture(scope="module")
def served(installed: Cluster) -> Iterator[Namespace]:
    with engines.served(installed) as made:
        yield made


def test_both_models_are_served_by_one_container_as_planned(served: Namespace) -> None:
    (pod,) = served.listed("pods", "hekaton.dev/formation=pair")
    name = pod["metadata"]["name"]
    statuses = {one["name"]: one for one in pod["status"]["containerStatuses"]}
    assert statuses["engines"]["ready"]
    ask = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:9100/engines').read().decode())"
    states = json.loads(served.kubectl("exec", name, "-c", "engines", "--", "python3", "-c", ask))
    assert [(one["model"], one["phase"]) for one in states] == [
        ("first", "ready"),
        ("second", "ready"),
    ]
    status = served.get("formation", "pair")["status"]
    assert {model["name"] for model in status["vramPlan"]["models"]} == {"first", "second"}


def test_a_mission_on_models_that_write_at_random_fails_honestly(served: Namespace) -> None:
    served.apply_text(mission("honest", "pair", commands="test -f durations.py"))
    served.wait("mission", "honest", "Failed", WORKING)
    assert served.condition("mission", "honest", "Failed")["message"]
    status = served.get("mission", "honest")["status"]
    assert status["spent"]["tokens"] > 0
    assert "SIMULATED" not in status["sitrep"]
    assert status["reserved"].get("tokens", 0) == 0
