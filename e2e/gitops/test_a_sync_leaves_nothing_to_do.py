"""A second sync of the same commit writes nothing, and a tool that looks finds no difference."""

import json
from pathlib import Path

import pytest
from cluster.places import ROOT
from cluster.use import Cluster
from gitops.conftest import GITOPS, OVERLAYS, versions

SYNC = ("apply", "--server-side", "--field-manager=argocd-controller")
FILES = (
    *sorted((ROOT / "crds").glob("*.yaml")),
    *sorted((ROOT / "manifests" / "formations").glob("*.yaml")),
    *sorted((ROOT / "manifests" / "simulated").glob("*.yaml")),
    ROOT / "manifests" / "missions" / "duration-library.yaml",
    ROOT / "manifests" / "missions" / "extend-tally.yaml",
    ROOT / "manifests" / "missions" / "repair-inventory.yaml",
    ROOT / "manifests" / "install.yaml",
)
OURS = ("Formation", "Mission")
SEEN = {"observedGeneration": 1, "conditions": []}


def looked_at(cluster: Cluster, text: str) -> None:
    """Write the status of Formations and Missions, as the operator does at once."""
    said = cluster.kubectl("get", "-f", "-", "-o", "json", text=text)
    listed = json.loads(said)
    for each in listed["items"] if listed["kind"] == "List" else [listed]:
        if each["kind"] in OURS:
            meta = {name: each["metadata"][name] for name in ("name", "namespace")}
            status = {**{name: each[name] for name in ("apiVersion", "kind")}, "metadata": meta}
            cluster.kubectl(
                "apply", "--server-side", "--force-conflicts", "--field-manager=hekaton",
                "--subresource=status", "-f", "-", text=json.dumps({**status, "status": SEEN}),
            )  # fmt: skip


def twice(cluster: Cluster, text: str) -> None:
    """Sync, let the operator look, ask for differences, sync again."""
    cluster.kubectl(*SYNC, "-f", "-", text=text)
    looked_at(cluster, text)
    before = versions(cluster, text)
    differing = cluster.run(
        "kubectl", "diff", "--server-side", "--field-manager=argocd-controller", "-f", "-",
        text=text,
    )  # fmt: skip
    assert (differing.code, differing.out) == (0, ""), differing.out + differing.error
    cluster.kubectl(*SYNC, "-f", "-", text=text)
    assert versions(cluster, text) == before


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_manifest_that_is_applied_again_changes_nothing(server: Cluster, path: Path) -> None:
    twice(server, path.read_text())


@pytest.mark.parametrize("name", OVERLAYS)
def test_an_overlay_that_is_synced_again_changes_nothing(server: Cluster, name: str) -> None:
    text = server.kubectl("kustomize", str(GITOPS / "overlays" / name))
    twice(server, text)
    server.kubectl("delete", "formation", "builders", "-n", "builders")


def test_the_rendered_chart_that_is_synced_again_changes_nothing(server: Cluster) -> None:
    chart = str(ROOT / "charts" / "hekaton")
    sets = ("--set", "postgres.existingSecret=mine", "--set", "backup.enabled=true")
    server.run("kubectl", "create", "namespace", "hekaton-system")
    rendered = server.run(
        "helm", "template", "hekaton", chart, "-n", "hekaton-system", "--skip-tests", *sets
    )
    server.kubectl(*SYNC, "-f", "-", text=rendered.out)
    # No controller writes the claim's status here; the server itself does, by the second sync.
    twice(server, rendered.out)


def test_a_sync_leaves_the_status_alone(server: Cluster) -> None:
    text = server.kubectl("kustomize", str(GITOPS / "overlays" / "dev"))
    twice(server, text)
    kept = server.kubectl("get", "formation", "builders", "-n", "builders", "-o", "json")
    assert json.loads(kept)["status"] == SEEN


@pytest.mark.parametrize("kind", ["formation", "mission"])
def test_what_nobody_has_looked_at_says_so(server: Cluster, kind: str) -> None:
    text = server.kubectl("kustomize", str(GITOPS / "overlays" / "dev"))
    server.run("kubectl", "delete", "formations,missions", "--all", "-n", "builders")
    for _ in range(2):
        server.kubectl(*SYNC, "-f", "-", text=text)
    found = json.loads(server.kubectl("get", kind, "-n", "builders", "-o", "json"))
    [one] = found["items"]
    assert one["status"] == {"observedGeneration": -1}


def test_a_goal_that_a_commit_changes_is_refused_with_the_remedy(server: Cluster) -> None:
    text = server.kubectl("kustomize", str(GITOPS / "overlays" / "dev"))
    server.kubectl(*SYNC, "-f", "-", text=text)
    changed = text.replace("Write the Python package", "Write the Rust package")
    assert changed != text
    said = server.run("kubectl", *SYNC, "-f", "-", text=changed)
    assert said.code
    assert "Delete this mission and submit another." in said.error
