"""Whatever a user deletes of a formation's children, the operator makes again."""

import pytest
from cluster.waiting import until
from promises.kubectl import Namespace

KINDS = (
    "statefulset",
    "service",
    "secret",
    "configmap",
    "serviceaccount",
    "networkpolicy",
    "poddisruptionbudget",
)
OURS = "app.kubernetes.io/managed-by=hekaton-operator,hekaton.dev/formation=simulated"


@pytest.mark.parametrize("kind", KINDS)
def test_a_child_is_made_again(kind: str, team: Namespace) -> None:
    before = uids(team, kind)
    assert before, f"the formation has no {kind}"
    team.kubectl("delete", kind, *before, "--wait=true", patience=60)

    def missing() -> str:
        now = uids(team, kind)
        absent = [name for name, uid in before.items() if now.get(name, uid) == uid]
        return f"{kind} {absent} not made again" if absent else ""

    until(missing, 10)


def test_the_formation_is_ready_again_afterwards(team: Namespace) -> None:
    team.wait("formation", "simulated", "Ready", 120)


def uids(team: Namespace, kind: str) -> dict[str, str]:
    return {
        child["metadata"]["name"]: child["metadata"]["uid"] for child in team.listed(kind, OURS)
    }
