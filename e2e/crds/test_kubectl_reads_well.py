"""What a person sees: kubectl explain, get, field selectors, short names, scale."""

import json
from typing import Any

import pytest
from cluster.use import Cluster
from crds.server import Server

NOW = "2026-11-21T10:00:00Z"
READY = {"type": "Ready", "status": "True", "reason": "PodsReady", "lastTransitionTime": NOW}
ADMITTED = {"type": "Admitted", "status": "True", "reason": "Admitted", "lastTransitionTime": NOW}
DONE = {"type": "Succeeded", "status": "True", "reason": "Accepted", "lastTransitionTime": NOW}


@pytest.fixture
def shown(
    known: Cluster, server: Server, formation: dict[str, Any], mission: dict[str, Any]
) -> tuple[Cluster, str]:
    """A cluster and a namespace with a formation and a mission that have a state."""
    assert server.create(formation).accepted
    assert server.create(mission).accepted
    seen = {"observedGeneration": 1}
    status: dict[str, Any] = {**seen, "replicas": 1, "ready": 1, "activeMissions": 1, "queue": 0}
    status["selector"] = "hekaton.dev/formation=team"
    change = {"status": {**status, "conditions": [READY]}}
    assert server.merge("Formation", "team", change, "/status").accepted
    spent = {"tokens": 41230, "usd": 0.37}
    state = {**seen, "phase": "done", "spent": spent, "tasks": {"done": 3, "total": 3}}
    change = {"status": {**state, "conditions": [ADMITTED, DONE]}}
    assert server.merge("Mission", "fix-it", change, "/status").accepted
    return known, server.namespace


def table(text: str) -> list[list[str]]:
    """The cells of a table, the age left out."""
    lines = [line.split() for line in text.strip().splitlines() if line]
    age = lines[0].index("AGE")
    return [line[:age] for line in lines]


def test_get_formations_shows_readiness_and_load(shown: tuple[Cluster, str]) -> None:
    known, namespace = shown
    assert table(known.kubectl("get", "fm", f"--namespace={namespace}")) == [
        ["NAME", "READY", "REASON", "PODS", "WANTED", "MISSIONS", "QUEUE"],
        ["team", "True", "PodsReady", "1", "1", "1", "0"],
    ]


def test_get_missions_shows_progress_and_cost(shown: tuple[Cluster, str]) -> None:
    known, namespace = shown
    assert table(known.kubectl("get", "ms", f"--namespace={namespace}")) == [
        ["NAME", "FORMATION", "PHASE", "ADMITTED", "PASSED", "DONE", "TASKS", "TOKENS", "USD"],
        ["fix-it", "team", "done", "Admitted", "True", "3", "3", "41230", "0.37"],
    ]


@pytest.mark.parametrize("names", ["fm,ms", "hekaton", "formations,missions", "formation,mission"])
def test_both_are_found_by_short_name_and_category(shown: tuple[Cluster, str], names: str) -> None:
    known, namespace = shown
    said = known.kubectl("get", names, f"--namespace={namespace}", "--output=name")
    assert said.split() == ["formation.hekaton.dev/team", "mission.hekaton.dev/fix-it"]


@pytest.mark.parametrize(
    ("plural", "selector"),
    [
        ("ms", "spec.formation=team"),
        ("ms", "spec.mode=swarm"),
        ("ms", "status.phase=done"),
        ("fm", "spec.hardware.profile=cpu"),
    ],
)
def test_objects_are_found_by_field(shown: tuple[Cluster, str], plural: str, selector: str) -> None:
    known, namespace = shown
    words = ("get", plural, f"--namespace={namespace}", "--output=name")
    assert known.kubectl(*words, f"--field-selector={selector}")
    assert not known.kubectl(*words, f"--field-selector={selector}x")


def test_scale_sets_the_replicas(shown: tuple[Cluster, str]) -> None:
    known, namespace = shown
    known.kubectl("scale", "formation/team", "--replicas=3", f"--namespace={namespace}")
    said = known.kubectl("get", "fm", "team", f"--namespace={namespace}", "--output=json")
    assert json.loads(said)["spec"]["replicas"] == 3
    scale = known.kubectl(
        "get", "fm", "team", "--subresource=scale", f"--namespace={namespace}", "--output=json"
    )
    assert json.loads(scale)["status"] == {"replicas": 1, "selector": "hekaton.dev/formation=team"}


def test_wait_works_on_conditions(shown: tuple[Cluster, str]) -> None:
    known, namespace = shown
    wait = ("wait", f"--namespace={namespace}", "--timeout=5s")
    assert "condition met" in known.kubectl(*wait, "--for=condition=Ready", "fm/team")
    assert "condition met" in known.kubectl(*wait, "--for=condition=Succeeded", "ms/fix-it")


def test_explain_tells_what_a_model_is(known: Cluster) -> None:
    said = " ".join(known.kubectl("explain", "formation.spec.models").split())
    assert "Models that the roles use, 1 to 64. Required." in said
    assert "engine <string> -required- enum: vllm, sglang, api, external" in said
    assert "Longest prompt plus answer, tokens. Default 8192." in said


@pytest.mark.parametrize("kind", ["formation", "mission"])
def test_explain_has_words_for_every_field(known: Cluster, kind: str) -> None:
    said = known.kubectl("explain", f"{kind}.spec", "--recursive", "--output=plaintext-openapiv2")
    assert "<no description>" not in said
    for field in ("spec", "status"):
        assert "<no description>" not in known.kubectl("explain", f"{kind}.{field}")
