"""Any change of any mission at work: refused exactly when the rules of changes say so."""

import copy
from typing import Any

from crds.server import Server
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

NOW = "2026-11-21T10:00:00Z"
FIXED = ("formation", "mode", "workspace", "acceptance")
Spec = dict[str, Any]

changes = st.fixed_dictionaries(
    {},
    optional={
        "goal": st.sampled_from(["Make the tests pass.", "Something else."]),
        "formation": st.sampled_from(["team", "other"]),
        "mode": st.sampled_from(["swarm", "single"]),
        "acceptance": st.sampled_from([{"commands": ["python -m pytest -q"]}, {"timeout": "1m"}]),
        "cancel": st.booleans(),
        "suspend": st.booleans(),
        "priority": st.integers(-5, 5),
        "budget": st.fixed_dictionaries(
            {}, optional={"tokens": st.integers(1, 20), "usd": st.sampled_from([0.5, 1, 1.5])}
        ),
    },
)
states = st.fixed_dictionaries(
    {},
    optional={
        "spent": st.fixed_dictionaries(
            {}, optional={"tokens": st.integers(0, 20), "usd": st.sampled_from([0, 0.5, 1.25])}
        ),
        "conditions": st.sampled_from(["True", "False"]).map(
            lambda status: [
                {"type": "Admitted", "status": status, "reason": "R", "lastTransitionTime": NOW}
            ]
        ),
    },
)


def merged(old: Spec, change: Spec) -> Spec:
    """What a merge patch makes of a spec."""
    new = copy.deepcopy(old)
    for name, value in change.items():
        inner = isinstance(value, dict) and isinstance(new.get(name), dict)
        new[name] = merged(new[name], value) if inner else value
    return new


def wrong(old: Spec, new: Spec, status: Spec) -> set[str]:
    """The fields whose change the rules forbid."""
    found = {"spec.goal"} if old["goal"] != new["goal"] else set()
    if old["cancel"] and not new["cancel"]:
        found.add("spec.cancel")
    if any(condition["status"] == "True" for condition in status.get("conditions", ())):
        found |= {f"spec.{name}" for name in FIXED if old[name] != new[name]}
    for name, spent in status.get("spent", {}).items():
        cap = new["budget"][name]
        if cap < old["budget"][name] and cap < spent:
            found.add(f"spec.budget.{name}")
    return found


@settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(begun=st.booleans(), status=states, change=changes)
def test_of_a_mission(
    server: Server, mission: Spec, begun: bool, status: Spec, change: Spec
) -> None:
    document = copy.deepcopy(mission)
    document["metadata"] = {"generateName": "m-"}
    document["spec"]["cancel"] = begun
    document["spec"]["budget"] = {"tokens": 10, "usd": 1}
    made = server.create(document)
    assert made.accepted, made.message
    name, old = made.body["metadata"]["name"], made.body["spec"]
    answer = server.merge("Mission", name, {"status": {"phase": "build", **status}}, "/status")
    assert answer.accepted, answer.message
    refused = server.merge("Mission", name, {"spec": change})
    assert set(refused.refusals) == wrong(old, merged(old, change), status)
    assert refused.accepted == (not refused.refusals)
