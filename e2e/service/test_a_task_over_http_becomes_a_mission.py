"""The seed's curl makes a Mission within a second, and the service can do nothing else in the cluster."""

import json
import time
from typing import Any

import pytest
from cluster.use import Cluster

SPACE = "tasks"
TASK = {
    "task_description": "Analyze the token efficiency of HMA vs Flat agents.",
    "total_budget_tokens": 5000,
}
ACCOUNT = "--as=system:serviceaccount:hekaton-system:hekaton-service"


def mission(plane: Cluster, name: str) -> Any:
    return json.loads(
        plane.kubectl("-n", SPACE, "get", "mission", name, "--show-managed-fields", "-o", "json")
    )


def test_the_seeds_request_makes_a_mission_and_cancel_stops_it(plane: Cluster, ask: Any) -> None:
    begun = time.monotonic()
    view = ask("POST", "/submit", TASK)
    assert time.monotonic() - begun < 5
    made = mission(plane, view["id"])
    assert (view["state"], made["spec"]["goal"]) == ("queued", TASK["task_description"])
    assert made["spec"]["budget"]["tokens"] == 5000
    assert made["metadata"]["labels"]["hekaton.dev/client"] == "ann"
    assert made["metadata"]["managedFields"][0]["manager"] == "hekaton-service"
    assert [one["id"] for one in ask("GET", "/missions")] == [view["id"]]
    ask("POST", f"/missions/{view['id']}/cancel")
    assert mission(plane, view["id"])["spec"]["cancel"] is True


def test_what_the_operator_writes_is_what_the_service_tells(plane: Cluster, ask: Any) -> None:
    name = ask("POST", "/submit", TASK)["id"]
    when = "2026-01-01T00:00:00Z"
    condition = {"type": "Failed", "status": "True", "reason": "Tried", "message": "It fails.", "lastTransitionTime": when}  # fmt: skip
    status = {"status": {"spent": {"tokens": 4000, "usd": 0.5}, "conditions": [condition], "completionTime": when}}  # fmt: skip
    plane.kubectl("-n", SPACE, "patch", "mission", name, "--subresource=status", "--type=merge", "-p", json.dumps(status))  # fmt: skip
    view = ask("GET", f"/missions/{name}")
    assert (view["state"], view["reason"], view["spent_tokens"]) == ("failed", "It fails.", 4000)


@pytest.mark.parametrize(
    ("verb", "what", "space", "allowed"),
    [
        ("create", "missions.hekaton.dev", SPACE, True),
        ("patch", "missions.hekaton.dev", SPACE, True),
        ("delete", "missions.hekaton.dev", SPACE, False),
        ("create", "missions.hekaton.dev", "default", False),
        ("patch", "missions.hekaton.dev:status", SPACE, False),
        ("get", "formations.hekaton.dev", SPACE, False),
        ("get", "secrets", SPACE, False),
        ("get", "secrets", "hekaton-system", False),
        ("list", "pods", SPACE, False),
    ],
)
def test_its_rights_end_at_missions(
    plane: Cluster, verb: str, what: str, space: str, allowed: bool
) -> None:
    kind, _, part = what.partition(":")
    words = ("auth", "can-i", verb, kind, f"--subresource={part}", ACCOUNT)
    said = plane.run("kubectl", "-n", space, *words)
    assert said.out.strip() == ("yes" if allowed else "no")
