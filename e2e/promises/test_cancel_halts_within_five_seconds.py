"""`spec.cancel: true` on a running mission: pods gone, ledger still, status Cancelled."""

import json

import pytest
from cluster.progress import Failure
from promises.kubectl import Namespace, until
from promises.missions import slow_mission

NAME = "to-be-cancelled"


@pytest.fixture
def running(slow_team: Namespace) -> Namespace:
    slow_team.apply_text(slow_mission(NAME))
    slow_team.wait("mission", NAME, "Running", 120)
    until(lambda: "" if _spent(slow_team) else "nothing is spent or reserved yet", 60)
    return slow_team


def _spent(team: Namespace) -> int:
    status = team.get("mission", NAME).get("status", {})
    tokens: int = status.get("spent", {}).get("tokens", 0) + status.get("reserved", {}).get(
        "tokens", 0
    )
    return tokens


def test_a_cancelled_mission_leaves_no_pod_and_spends_nothing_more(running: Namespace) -> None:
    running.kubectl(
        "patch", "ms", NAME, "--type=merge", "-p", json.dumps({"spec": {"cancel": True}})
    )

    def left() -> str:
        pods = running.listed("pods", f"hekaton.dev/mission={NAME}")
        return f"pods {[pod['metadata']['name'] for pod in pods]} are there" if pods else ""

    seconds = until(left, 15, 0.2)
    running.wait("mission", NAME, "Cancelled", 10)
    spent = running.get("mission", NAME)["status"]["spent"]
    later = running.get("mission", NAME)["status"]["spent"]
    assert spent == later
    # The promise is 5 s on a quiet machine; a loaded one gets twice that before it is called broken.
    assert seconds < 10


def test_cancel_is_never_undone(running: Namespace) -> None:
    running.kubectl("patch", "ms", NAME, "--type=merge", "-p", '{"spec":{"cancel":true}}')
    with pytest.raises(Failure, match="cancel"):
        running.kubectl("patch", "ms", NAME, "--type=merge", "-p", '{"spec":{"cancel":false}}')
