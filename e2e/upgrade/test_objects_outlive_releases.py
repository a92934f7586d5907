"""Upgrade, rollback, uninstall, install again: the objects of people stay as they are."""

import json
from pathlib import Path
from typing import Any

import pytest
from cluster.places import ROOT
from cluster.use import Cluster
from install.conftest import Release
from upgrade.older import CHART, UNKNOWN

FILES = (
    ROOT / "manifests" / "formations" / "simulated-cluster.yaml",
    ROOT / "manifests" / "missions" / "duration-library.yaml",
)
OBJECTS = ("formation/simulated", "mission/duration-library")
Object = dict[str, Any]


def condition(kind: str) -> Object:
    at = "2026-01-01T00:00:00Z"
    return {"type": kind, "status": "True", "reason": "Working", "lastTransitionTime": at}


STATUS: dict[str, Object] = {
    "formation/simulated": {"observedGeneration": 1, "ready": 1, "conditions": [condition("Ready")]},
    "mission/duration-library": {
        "observedGeneration": 1,
        "phase": "build",
        "spent": {"tokens": 700, "usd": 0.5},
        "conditions": [condition("Running")],
    },
}  # fmt: skip


@pytest.fixture
def lived_in(release: Release, previous: Path) -> Release:
    """The previous version, with a formation that is ready and a mission that runs."""
    release.install(chart=previous)
    for path in FILES:
        release.cluster.kubectl("apply", "-f", str(path))
    for name, status in STATUS.items():
        release.cluster.kubectl("patch", name, "--subresource=status", "--type=merge",
                                "-p", json.dumps({"status": status}))  # fmt: skip
    return release


def kept(cluster: Cluster) -> dict[str, tuple[str, Object, Object]]:
    """Identity, spec and status of every object that somebody wrote."""
    found = {}
    for name in OBJECTS:
        body = json.loads(cluster.kubectl("get", name, "-o", "json"))
        found[name] = (body["metadata"]["uid"], body["spec"], body["status"])
    return found


def same(now: dict[str, Any], before: dict[str, Any]) -> None:
    """The same objects in the same state; a newer definition may have given them new defaults."""
    assert now.keys() == before.keys()
    for name, (uid, spec, status) in before.items():
        assert now[name][0] == uid
        assert {field: now[name][1][field] for field in spec} == spec
        assert now[name][2] == status


def knows(cluster: Cluster, plural: str) -> bool:
    words = ("get", "crd", f"{plural}.hekaton.dev", "-o", "json")
    [version] = json.loads(cluster.kubectl(*words))["spec"]["versions"]
    spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return UNKNOWN[plural] in spec["properties"]


def settled(cluster: Cluster) -> None:
    """The server goes by the definitions that it was given."""
    cluster.kubectl("wait", "--for=condition=Established", "--timeout=30s", "crd", "--all")


def test_an_upgrade_brings_new_definitions_and_changes_no_object(lived_in: Release) -> None:
    cluster = lived_in.cluster
    before, password = kept(cluster), lived_in.password()
    assert not any(knows(cluster, plural) for plural in UNKNOWN)
    lived_in.helm("upgrade", "--reset-then-reuse-values")
    settled(cluster)
    assert all(knows(cluster, plural) for plural in UNKNOWN)
    same(kept(cluster), before)
    assert lived_in.password() == password
    for path in FILES:  # what was valid is valid
        cluster.kubectl("apply", "--dry-run=server", "-f", str(path))


def test_a_field_of_the_new_version_is_taken_after_the_upgrade(lived_in: Release) -> None:
    lived_in.helm("upgrade", "--reset-then-reuse-values")
    settled(lived_in.cluster)
    change = json.dumps({"spec": {"retries": 1}})
    patch = ("patch", "mission/duration-library", "--type=merge", "-p", change)
    lived_in.cluster.kubectl(*patch)
    spec = kept(lived_in.cluster)["mission/duration-library"][1]
    assert spec["retries"] == 1


def test_a_rollback_brings_the_old_definitions_back_and_changes_no_object(
    lived_in: Release,
) -> None:
    cluster = lived_in.cluster
    before, password = kept(cluster), lived_in.password()
    lived_in.helm("upgrade", "--reset-then-reuse-values")
    lived_in.helm("rollback", chart=None)
    settled(cluster)
    assert not any(knows(cluster, plural) for plural in UNKNOWN)
    same(kept(cluster), before)
    assert lived_in.password() == password


def test_an_uninstall_leaves_what_people_made_and_an_install_takes_it_over(
    lived_in: Release,
) -> None:
    cluster = lived_in.cluster
    before, password = kept(cluster), lived_in.password()
    lived_in.uninstall()
    same(kept(cluster), before)
    assert "NotFound" in cluster.run("kubectl", "-n", "hekaton-system", "get", "deployment",
                                     "hekaton-operator").error  # fmt: skip
    lived_in.install()
    settled(cluster)
    assert all(knows(cluster, plural) for plural in UNKNOWN)
    same(kept(cluster), before)
    assert lived_in.password() == password


def test_an_upgrade_alone_does_not_restart_postgres(release: Release, previous: Path) -> None:
    words = ("-n", release.namespace, "get", "statefulset", "hekaton-postgres", "-o")
    release.install(chart=previous)
    before = release.cluster.kubectl(*words, "jsonpath={.spec.template}")
    release.helm("upgrade", chart=CHART)
    assert release.cluster.kubectl(*words, "jsonpath={.spec.template}") == before
