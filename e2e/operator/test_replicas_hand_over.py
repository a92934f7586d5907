"""Two replicas, one leads: on a fresh cluster, after SIGTERM and after SIGKILL."""

import json
import signal
import time
from collections.abc import Callable
from typing import Any

from cluster.use import Cluster

Start = Callable[[str], Any]
Leads = Callable[[str, float], float]


def test_the_next_replica_leads_within_seconds_of_sigterm(operate: Start, leads: Leads) -> None:
    first = operate("first")
    leads("first", 60)
    second = operate("second")
    ready(second)
    assert first.end() < 10
    assert first.process.returncode == 0
    assert leads("second", 20) < 10  # the promise is one retry of 2 s on a quiet machine


def test_the_next_replica_leads_within_the_lease_after_sigkill(
    operate: Start, leads: Leads
) -> None:
    first = operate("doomed")
    leads("doomed", 60)
    ready(operate("heir"))
    first.end(signal.SIGKILL)
    assert leads("heir", 60) < 30  # 15 s of lease, 2 s of retry, and a busy machine


def test_a_lost_lease_ends_the_process(operate: Start, leads: Leads, plane: Cluster) -> None:
    robbed = operate("robbed")
    leads("robbed", 60)
    change = json.dumps({"spec": {"holderIdentity": "thief"}})
    plane.kubectl("patch", "lease", "hekaton-operator", "--type=merge", "-p", change)
    assert robbed.process.wait(30) == 1
    assert "Lease" in robbed.log.read_text()


def ready(replica: Any) -> None:
    """Until it has looked at the Lease and found it taken."""
    for _ in range(300):
        if "waits for the lease" in replica.log.read_text():
            return
        time.sleep(0.1)
    raise AssertionError(f"{replica.name} never began to wait")
