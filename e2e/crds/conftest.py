"""An API server that knows our CRDs, a namespace for each test, and documents that are right."""

import copy
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cluster.use import Cluster
from crds.server import Server, connected

ROOT = Path(__file__).resolve().parents[2]
FORMATION: dict[str, Any] = {
    "apiVersion": "hekaton.dev/v1alpha1",
    "kind": "Formation",
    "metadata": {"name": "team"},
    "spec": {
        "models": [
            {"name": "big", "engine": "external", "endpoint": "http://models:8000/v1"},
            {
                "name": "far",
                "engine": "api",
                "apiModel": "gemini/gemini-2.5-pro",
                "credentials": {"secretKeyRef": {"name": "keys", "key": "gemini"}},
            },
        ],
        "roles": [
            {"name": "researcher", "role": "researcher", "model": "big", "instances": 3},
            {"name": "sapper", "role": "sapper", "model": "big"},
            {"name": "auditor", "role": "auditor", "model": "far"},
        ],
    },
}
MISSION: dict[str, Any] = {
    "apiVersion": "hekaton.dev/v1alpha1",
    "kind": "Mission",
    "metadata": {"name": "fix-it"},
    "spec": {
        "goal": "Make the tests pass.",
        "formation": "team",
        "workspace": {"files": [{"path": "src/a.py", "content": "x = 1"}]},
        "acceptance": {"commands": ["python -m pytest -q"]},
        "budget": {"tokens": 200000, "usd": 2.5},
    },
}


@pytest.fixture
def formation() -> dict[str, Any]:
    """A formation that keeps every rule, the test's own to change."""
    return copy.deepcopy(FORMATION)


@pytest.fixture
def mission() -> dict[str, Any]:
    """A mission that keeps every rule, the test's own to change."""
    return copy.deepcopy(MISSION)


@pytest.fixture(scope="session")
def known(api: Cluster) -> Cluster:
    """The cluster with our CRDs in it, as they lie in the repository."""
    files = [f"--filename={ROOT / 'crds' / name}" for name in ("formations.yaml", "missions.yaml")]
    api.kubectl("apply", *files)
    api.kubectl("wait", "--for=condition=Established", "--timeout=30s", *files)
    return api


@pytest.fixture(scope="session")
def connection(known: Cluster) -> Iterator[Server]:
    """One connection for all tests."""
    with connected(known, "default") as server:
        yield server


@pytest.fixture
def server(connection: Server) -> Iterator[Server]:
    """The API server, in a namespace that this test alone uses."""
    name = f"t-{uuid.uuid4().hex[:8]}"
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    assert connection.ask("POST", "/api/v1/namespaces", body).accepted
    yield Server(connection.connection, name)
    connection.ask("DELETE", f"/api/v1/namespaces/{name}")
