"""Real vLLM on CPU in the `engines` container, two tiny models in one pod: the mission ends honestly."""

import json
from collections.abc import Iterator

import pytest
from cluster.use import Cluster
from promises import engines, installing
from promises.kubectl import ROOT, Namespace
from promises.missions import mission
from ruamel.yaml import YAML

PAIR = ROOT / "e2e" / "vllm_cpu" / "pair.yaml"
STARTING = 900.0
"""Seconds for two servers, one after the other, on two cores that all of Kubernetes shares."""
WORKING = 600.0


def pair() -> str:
    """The formation, with the models' own configuration, since nothing else knows their figures."""
    document = YAML(typ="safe").load(PAIR.read_text())
    for model in document["spec"]["models"]:
        model["model"] = str(engines.MODEL)
        model["config"] = (engines.MODEL / "config.json").read_text()
    return json.dumps(document)


@pytest.fixture(scope="module")
def served(installed: Cluster) -> Iterator[Namespace]:
    with installing.namespace(installed, installing.PRIVILEGED) as made:
        made.apply_text(pair())
        made.wait("formation", "pair", "Ready", STARTING)
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
