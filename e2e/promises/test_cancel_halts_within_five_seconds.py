"""`spec.cancel: true` on a running mission: pods gone, ledger still, status Cancelled."""

import time
import uuid

import pytest
from cluster.progress import Failure
from cluster.waiting import until
from promises.kubectl import Namespace
from promises.missions import slow_mission

CANCEL = '{"spec":{"cancel":true}}'


@pytest.fixture
def running(slow_team: Namespace) -> str:
    """The name of a mission that waits for its first answer."""
    name = f"slow-{uuid.uuid4().hex[:6]}"
    slow_team.apply_text(slow_mission(name))
    slow_team.wait("mission", name, "Running", 120)
    until(lambda: "" if moved(slow_team, name) else "nothing is spent or reserved yet", 60)
    return name


def moved(team: Namespace, mission: str) -> int:
    """Tokens spent or reserved."""
    status = team.get("mission", mission).get("status", {})
    both = (status.get(account, {}).get("tokens", 0) for account in ("spent", "reserved"))
    return sum(both)


def test_a_cancelled_mission_leaves_no_pod_and_spends_nothing_more(
    slow_team: Namespace, running: str
) -> None:
    slow_team.kubectl("patch", "ms", running, "--type=merge", "-p", CANCEL)

    def left() -> str:
        pods = slow_team.listed("pods", f"hekaton.dev/mission={running}")
        return f"pods {[pod['metadata']['name'] for pod in pods]} are there" if pods else ""

    seconds = until(left, 15, 0.2)
    slow_team.wait("mission", running, "Cancelled", 10)
    spent = moved(slow_team, running)
    time.sleep(3)
    assert moved(slow_team, running) == spent
    assert slow_team.get("mission", running)["status"]["reserved"].get("tokens", 0) == 0
    # The promise is 5 s on a quiet machine; a loaded one gets twice that before it is called broken.
    assert seconds < 10


def test_cancel_is_never_undone(slow_team: Namespace, running: str) -> None:
    slow_team.kubectl("patch", "ms", running, "--type=merge", "-p", CANCEL)
    with pytest.raises(Failure, match="cancel"):
        slow_team.kubectl(
            "patch", "ms", running, "--type=merge", "-p", CANCEL.replace("true", "false")
        )
