"""Two replicas, one leads: on a fresh cluster, after SIGTERM and after SIGKILL."""

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cluster.use import Cluster

Start = Callable[[str], Any]
Leads = Callable[[str, float], float]
FORMATION = Path(__file__).resolve().parents[2] / "manifests/formations/simulated.yaml"
OURS = "app.kubernetes.io/managed-by=hekaton-operator"
WRITES = ("create", "update", "patch", "delete")


def test_the_next_replica_leads_within_seconds_of_sigterm(operate: Start, leads: Leads) -> None:
    first = operate("first")
    leads("first", 60)
    second = operate("second")
    ready(second)
    assert first.end() < 10
    assert first.process.returncode == 0
    assert leads("second", 20) < 10  # the promise is one retry of 1.5 s on a quiet machine


def test_the_next_replica_leads_within_the_lease_after_sigkill(
    operate: Start, leads: Leads
) -> None:
    first = operate("doomed")
    leads("doomed", 60)
    ready(operate("heir"))
    first.end(signal.SIGKILL)
    assert leads("heir", 60) < 20  # 12 s of lease, at most 3 s of retries, and a busy machine


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


def test_a_leader_that_was_stopped_writes_nothing_when_it_wakes_up(
    operate: Start, leads: Leads, plane: Cluster
) -> None:
    """It sleeps through its lease with work at hand; the other has done that work meanwhile."""
    sleeper = operate("sleeper")
    leads("sleeper", 60)
    plane.kubectl("apply", "-f", str(FORMATION))
    plane.kubectl("wait", "--for=condition=VRAMFits", "formation/simulated", "--timeout=60s")
    ready(operate("waker"))
    sleeper.process.send_signal(signal.SIGSTOP)
    try:
        for number in range(20):  # work that it hears of the moment it wakes up
            plane.kubectl("annotate", "formation/simulated", f"n={number}", "--overwrite")
        plane.kubectl("delete", "service,configmap,serviceaccount", "-l", OURS)
        leads("waker", 60)
        plane.kubectl("delete", "networkpolicy,poddisruptionbudget", "-l", OURS)
        time.sleep(3)
        before = len(written(plane, "sleeper"))
    finally:
        sleeper.process.send_signal(signal.SIGCONT)
    try:
        assert sleeper.process.wait(30) == 1  # it ends, so that it starts anew as one that waits
    except subprocess.TimeoutExpired:
        pytest.fail("a leader without a lease goes on")
    time.sleep(1)
    assert written(plane, "sleeper")[before:] == []
    assert written(plane, "waker")
    plane.kubectl("delete", "formation", "simulated")


def test_without_an_operator_everything_can_be_deleted(
    operate: Start, leads: Leads, plane: Cluster
) -> None:
    """No finalizer of ours waits for anybody."""
    one = operate("gone")
    leads("gone", 60)
    plane.kubectl("create", "namespace", "leaving")
    for file in (FORMATION, FORMATION.parents[1] / "missions/duration-library.yaml"):
        plane.kubectl("-n", "leaving", "apply", "-f", str(file))
    wait = ("wait", "--for=condition=VRAMFits", "formation/simulated", "--timeout=60s")
    plane.kubectl("-n", "leaving", *wait)
    one.end(signal.SIGKILL)
    path = "jsonpath={.items[*].metadata.finalizers}"
    assert plane.kubectl("-n", "leaving", "get", "fm,ms,sts,secret", "-o", path) == ""
    plane.kubectl("-n", "leaving", "delete", "mission", "duration-library", "--timeout=30s")
    plane.kubectl("delete", "namespace", "leaving", "--timeout=100s")


def written(plane: Cluster, name: str) -> list[str]:
    """What a replica wrote, by the audit log; its tries for the Lease aside."""
    account = f"system:serviceaccount:default:replica-{name}"
    found = []
    for line in (plane.folder / "audit.log").read_text().splitlines():
        event = json.loads(line)
        mine = event["user"].get("username") == account and event["verb"] in WRITES
        if mine and event["objectRef"]["resource"] != "leases":
            found.append(f"{event['verb']} {event['requestURI']}")
    return found
