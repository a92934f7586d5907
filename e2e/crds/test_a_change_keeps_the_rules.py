"""What may change in an object that is there already, and what may not."""

from typing import Any

import pytest
from crds.server import Answer, Server

NOW = "2026-11-21T10:00:00Z"
ADMITTED = [{"type": "Admitted", "status": "True", "reason": "Admitted", "lastTransitionTime": NOW}]
GIT = {"files": None, "git": {"url": "https://host/x.git"}}


def admitted(server: Server, mission: dict[str, Any]) -> None:
    """Make a mission that is at work and has spent something."""
    assert server.create(mission).accepted
    spent = {"tokens": 1000, "usd": 0.5}
    change = {"status": {"phase": "build", "spent": spent, "conditions": ADMITTED}}
    answer = server.merge("Mission", "fix-it", change, "/status")
    assert answer.accepted, answer.message


def change(server: Server, **spec: object) -> Answer:
    return server.merge("Mission", "fix-it", {"spec": spec})


def test_a_goal_is_never_changed(server: Server, mission: dict[str, Any]) -> None:
    assert server.create(mission).accepted
    assert "is never changed" in change(server, goal="Do nothing.").refusals["spec.goal"]


def test_a_cancellation_is_never_undone(server: Server, mission: dict[str, Any]) -> None:
    assert server.create(mission).accepted
    assert change(server, cancel=True).accepted
    for back in (False, None):
        assert "is never undone" in change(server, cancel=back).refusals["spec.cancel"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("formation", "other"),
        ("mode", "single"),
        ("workspace", GIT),
        ("acceptance", {"commands": ["true"]}),
    ],
)
def test_what_is_worked_on_is_fixed_at_admission(
    server: Server, mission: dict[str, Any], field: str, value: object
) -> None:
    mission["metadata"]["name"] = "waiting"
    assert server.create(mission).accepted
    assert server.merge("Mission", "waiting", {"spec": {field: value}}).accepted
    mission["metadata"]["name"] = "fix-it"
    mission["spec"] = dict(mission["spec"])
    admitted(server, mission)
    refused = change(server, **{field: value}).refusals
    assert "is fixed once the mission is admitted" in refused[f"spec.{field}"]


@pytest.mark.parametrize(("cap", "least", "less"), [("tokens", 1000, 999), ("usd", 0.5, 0.49)])
def test_a_cap_is_never_lowered_below_what_is_spent(
    server: Server, mission: dict[str, Any], cap: str, least: float, less: float
) -> None:
    admitted(server, mission)
    assert change(server, budget={cap: least}).accepted
    refused = change(server, budget={cap: less}).refusals
    assert "is less than what is spent" in refused[f"spec.budget.{cap}"]


def test_a_cap_may_grow_even_after_more_was_spent(server: Server, mission: dict[str, Any]) -> None:
    admitted(server, mission)
    over = {"status": {"spent": {"tokens": 900_000}}}
    assert server.merge("Mission", "fix-it", over, "/status").accepted
    assert change(server, budget={"tokens": 300_000}).accepted


def test_suspension_priority_and_time_may_change_at_work(
    server: Server, mission: dict[str, Any]
) -> None:
    admitted(server, mission)
    assert change(server, suspend=True, priority=5, budget={"wallClock": "2h"}).accepted


def test_a_formation_may_change_its_team(server: Server, formation: dict[str, Any]) -> None:
    assert server.create(formation).accepted
    formation["spec"]["roles"].append({"name": "worker", "role": "worker", "instances": 2})
    assert server.merge("Formation", "team", {"spec": formation["spec"]}).accepted


def test_a_bad_change_of_a_formation_is_refused(server: Server, formation: dict[str, Any]) -> None:
    assert server.create(formation).accepted
    answer = server.merge("Formation", "team", {"spec": {"debate": {"quorum": 9}}})
    assert answer.refusals == {
        "spec.debate.quorum": "Invalid value: can never be reached by the agents that debate. "
        "Give 0 for all, or add instances of researcher, reasoner, architect."
    }


def test_a_status_is_written_apart_from_the_spec(server: Server, mission: dict[str, Any]) -> None:
    admitted(server, mission)
    both = {"spec": {"priority": 9}, "status": {"phase": "audit"}}
    assert server.merge("Mission", "fix-it", both).body["status"]["phase"] == "build"
    assert server.merge("Mission", "fix-it", both, "/status").body["spec"]["priority"] == 9


def test_a_status_gets_no_defaults_but_that_nobody_has_looked(
    server: Server, mission: dict[str, Any]
) -> None:
    assert server.create(mission).body["status"] == {"observedGeneration": -1}
    seen = {"phase": "build", "observedGeneration": 1}
    answer = server.merge("Mission", "fix-it", {"status": seen}, "/status")
    assert answer.body["status"] == seen
