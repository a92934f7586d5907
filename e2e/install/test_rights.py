"""The API server itself says what the operator may do, and which of the chart's pods it admits."""

import json
from typing import Any

from cluster.use import Cluster
from install.conftest import CHART, NAMESPACE, Release

OPERATOR = f"system:serviceaccount:{NAMESPACE}:hekaton-operator"


def may(cluster: Cluster, verb: str, what: str, namespace: str, who: str = OPERATOR) -> bool:
    """What `kubectl auth can-i` says of KIND, KIND/NAME or KIND:SUBRESOURCE."""
    kind, _, part = what.partition(":")
    asked = ("auth", "can-i", verb, kind, "-n", namespace, f"--as={who}", f"--subresource={part}")
    return cluster.run("kubectl", *asked).out.strip() == "yes"


def namespaced(cluster: Cluster, name: str, *labels: str) -> None:
    """A namespace, new or not, with the account that a controller would make."""
    cluster.run("kubectl", "create", "namespace", name)
    cluster.run("kubectl", "-n", name, "create", "serviceaccount", "default")
    if labels:
        cluster.kubectl("label", "--overwrite", "namespace", name, *labels)


def test_one_namespace_means_no_right_in_any_other(release: Release) -> None:
    namespaced(release.cluster, "team-a")
    release.install("--set", "watchNamespace=team-a")
    assert may(release.cluster, "create", "statefulsets.apps", "team-a")
    assert may(release.cluster, "patch", "missions.hekaton.dev:status", "team-a")
    for what in ("statefulsets.apps", "secrets", "missions.hekaton.dev", "pods"):
        assert not may(release.cluster, "list", what, "default")


def test_all_namespaces_means_children_everywhere_and_nothing_else(release: Release) -> None:
    release.install()
    for what in ("statefulsets.apps", "jobs.batch", "networkpolicies.networking.k8s.io"):
        assert may(release.cluster, "create", what, "default")
    assert may(release.cluster, "update", "leases.coordination.k8s.io/hekaton-operator", NAMESPACE)
    assert not may(release.cluster, "update", "leases.coordination.k8s.io/other", NAMESPACE)
    for verb, what in (
        ("create", "pods"),
        ("create", "pods:exec"),
        ("patch", "missions.hekaton.dev"),
        ("create", "clusterroles"),
        ("list", "nodes"),
        ("update", "leases.coordination.k8s.io/hekaton-operator"),
    ):
        assert not may(release.cluster, verb, what, "default"), f"{verb} {what}"


def test_people_with_the_role_edit_may_run_missions(release: Release) -> None:
    release.install()
    labels = release.cluster.kubectl("get", "clusterrole", "hekaton-edit", "--show-labels")
    assert "aggregate-to-edit=true" in labels
    release.cluster.run("kubectl", "create", "clusterrolebinding", "anna", "--user=anna",
                        "--clusterrole=hekaton-edit")  # fmt: skip
    assert may(release.cluster, "create", "missions.hekaton.dev", "default", "anna")
    assert not may(release.cluster, "patch", "missions.hekaton.dev:status", "default", "anna")


def test_a_namespace_that_enforces_restricted_admits_every_pod(release: Release) -> None:
    cluster = release.cluster
    namespaced(cluster, NAMESPACE, "pod-security.kubernetes.io/enforce=restricted")
    release.install()
    rendered = cluster.run("helm", "template", "hekaton", str(CHART), "-n", NAMESPACE).out
    said = cluster.kubectl("create", "--dry-run=client", "-o", "json", "-f", "-", text=rendered)
    pods = [pod(each) for each in objects(said) if "template" in each.get("spec", {})]
    pods += [each for each in objects(said) if each["kind"] == "Pod"]
    assert len(pods) == 3
    for each in pods:
        text = json.dumps(each)
        cluster.kubectl("-n", NAMESPACE, "create", "--dry-run=server", "-f", "-", text=text)


def objects(text: str) -> list[dict[str, Any]]:
    """What kubectl prints: objects one behind the other, or a list of them."""
    decoder = json.JSONDecoder()
    found: list[dict[str, Any]] = []
    rest = text.strip()
    while rest:
        value, end = decoder.raw_decode(rest)
        found += value["items"] if value["kind"] == "List" else [value]
        rest = rest[end:].strip()
    return found


def pod(workload: dict[str, Any]) -> dict[str, Any]:
    """The pod that a workload would make; claims come with the workload alone."""
    spec = dict(workload["spec"]["template"]["spec"])
    made = {"name": "data", "emptyDir": {}}
    if workload["spec"].get("volumeClaimTemplates"):
        spec["volumes"] = [*spec["volumes"], made]
    name = workload["metadata"]["name"]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
