"""Counted by the audit log: children once, nothing while nothing happens, no storm on an old CRD."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cluster.use import Cluster

ROOT = Path(__file__).resolve().parents[2]
KINDS = "statefulset,service,secret,configmap,serviceaccount,networkpolicy,poddisruptionbudget"
OURS = "app.kubernetes.io/managed-by=hekaton-operator"
WRITES = ("create", "update", "patch", "delete")


@pytest.fixture
def operator(operate: Callable[[str], Any], leads: Callable[[str, float], float]) -> Any:
    made = operate("only")
    leads("only", 60)
    return made


@pytest.fixture
def team(plane: Cluster, operator: Any) -> Iterator[str]:
    """A formation that has been looked at; no node will ever run it."""
    plane.kubectl("apply", "-f", str(ROOT / "manifests/formations/simulated.yaml"))
    plane.kubectl("wait", "--for=condition=VRAMFits", "formation/simulated", "--timeout=60s")
    yield "simulated"
    plane.kubectl("delete", "formation", "simulated", "--ignore-not-found")


def written(plane: Cluster, since: int) -> Counter[str]:
    """The operator's writes but those of the Lease, from a line of the audit log on."""
    found: Counter[str] = Counter()
    for line in (plane.folder / "audit.log").read_text().splitlines()[since:]:
        event = json.loads(line)
        what = event.get("objectRef", {})
        mine = event.get("userAgent", "").startswith(("hekaton-operator", "kopf"))
        counts = event["stage"] == "ResponseComplete" and event["verb"] in WRITES
        if mine and counts and what.get("resource") != "leases":
            found[f"{event['verb']} {what.get('resource')}/{what.get('subresource', '')}"] += 1
    return found


def lines(plane: Cluster) -> int:
    return len((plane.folder / "audit.log").read_text().splitlines())


def test_nothing_is_written_while_nothing_happens(plane: Cluster, team: str) -> None:
    time.sleep(5)
    before = lines(plane)
    time.sleep(15)
    assert written(plane, before) == Counter()


def test_all_children_come_back_at_once(plane: Cluster, team: str) -> None:
    def uids() -> dict[str, str]:
        listed = json.loads(plane.kubectl("get", KINDS, "-l", OURS, "-o", "json"))["items"]
        return {f"{i['kind']}/{i['metadata']['name']}": i["metadata"]["uid"] for i in listed}

    before = uids()
    assert len({name.partition("/")[0] for name in before}) == 7
    plane.kubectl("delete", KINDS, "-l", OURS)
    end = time.monotonic() + 10
    while not (set(now := uids()) >= set(before) and not set(now.values()) & set(before.values())):
        assert time.monotonic() < end, f"not back: {set(before) - set(now)}"
        time.sleep(0.3)


def test_an_old_crd_ends_as_a_condition_and_not_as_a_storm(plane: Cluster, operator: Any) -> None:
    """The schema of the status lacks a field that this operator writes."""
    name = "formations.hekaton.dev"
    field = "/spec/versions/0/schema/openAPIV3Schema/properties/status/properties/vramPlan"
    remove = json.dumps([{"op": "remove", "path": field}])
    plane.kubectl("patch", "crd", name, "--type=json", "-p", remove)
    time.sleep(2)
    before = lines(plane)
    try:
        plane.kubectl("apply", "-f", str(ROOT / "manifests/formations/simulated.yaml"))
        until_refused(plane)
        time.sleep(10)
        assert written(plane, before)["patch formations/status"] < 15
    finally:
        plane.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(ROOT / "crds/formations.yaml"))  # fmt: skip
    plane.kubectl("annotate", "formation/simulated", "touched=yes", "--overwrite")
    plane.kubectl("wait", "--for=condition=VRAMFits", "formation/simulated", "--timeout=90s")
    plane.kubectl("delete", "formation", "simulated")


def until_refused(plane: Cluster) -> None:
    path = "jsonpath={.status.conditions[?(@.type=='Ready')]}"
    end = time.monotonic() + 60
    while "StatusRefused" not in (said := plane.kubectl("get", "fm", "simulated", "-o", path)):
        assert time.monotonic() < end, f"no condition says so: {said}"
        time.sleep(0.3)
    assert "Upgrade the CRDs" in said
