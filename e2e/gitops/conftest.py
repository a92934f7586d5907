"""The overlays as kustomize renders them, and an API server that a GitOps tool would sync them to."""

import json
from collections.abc import Iterator

import pytest
from cluster.places import ROOT
from cluster.use import Cluster, started

GITOPS = ROOT / "manifests" / "gitops"
OVERLAYS = ("dev", "gh200")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """An API server with our CRDs."""
    with started(tmp_path_factory.mktemp("gitops"), "api") as cluster:
        files = [f"--filename={ROOT / 'crds' / name}.yaml" for name in ("formations", "missions")]
        cluster.kubectl("apply", "--server-side", *files)
        cluster.kubectl("wait", "--for=condition=Established", "--timeout=30s", *files)
        yield cluster


def versions(cluster: Cluster, text: str) -> dict[str, str]:
    """The resource version of every object in the text, by kind and name."""
    said = cluster.kubectl("get", "-f", "-", "-o", "json", text=text)
    listed = json.loads(said)
    found = listed["items"] if listed["kind"] == "List" else [listed]
    return {
        f"{each['kind']}/{each['metadata']['name']}": each["metadata"]["resourceVersion"]
        for each in found
    }
