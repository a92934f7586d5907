"""The overlays as kustomize renders them, and an API server that a GitOps tool would sync them to."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

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


@pytest.fixture
def operator(server: Cluster, tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """The operator as a process beside the API server; the database is nowhere."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environ = {
        **server.environ,
        "HEKATON_NAMESPACE": "default",
        "HEKATON_POD_NAME": "gitops",
        "HEKATON_IMAGE_RUNTIME": "localhost/none:1",
        "HEKATON_DB_HOST": "127.0.0.1",
        "HEKATON_DB_PORT": "9",
        "HEKATON_HEALTH_PORT": str(port),
    }
    with (tmp_path / "operator.log").open("wb") as out:
        words = [sys.executable, "-m", "hekaton_operator"]
        process = subprocess.Popen(words, env=environ, stderr=out, cwd=os.sep)
    yield process
    process.terminate()
    process.wait(30)


def versions(cluster: Cluster, text: str) -> dict[str, str]:
    """The resource version of every object in the text, by kind and name."""
    said = cluster.kubectl("get", "-f", "-", "-o", "json", text=text)
    listed = json.loads(said)
    found = listed["items"] if listed["kind"] == "List" else [listed]
    return {
        f"{each['kind']}/{each['metadata']['name']}": each["metadata"]["resourceVersion"]
        for each in found
    }
