"""A team whose models take their time, and a mission in the middle of its work, for every fault."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster.native.machine import Native
from cluster.provider import chosen
from cluster.use import Cluster
from faults.struck import Struck
from promises import installing
from promises.kubectl import ROOT, Namespace

LATENCY = 2
"""Seconds before each answer: a mission takes half a minute, which leaves time to strike."""
# The blows fall on processes of this machine, which only the native provider has.
collect_ignore_glob = [] if isinstance(chosen(Path()), Native) else ["test_*.py"]


@pytest.fixture(scope="session")
def crew(installed: Cluster) -> Iterator[Namespace]:
    with installing.namespace(installed) as made:
        made.apply("manifests/simulated", "manifests/formations/simulated-cluster.yaml")
        option = {"op": "add", "path": "/spec/template/spec/containers/0/command/-",
                  "value": f"--latency={LATENCY}"}  # fmt: skip
        words = ("patch", "deployment", "simulated-models", "--type=json", "-p")
        made.kubectl(*words, json.dumps([option]))
        said = ("rollout", "status", "deployment/simulated-models", "--timeout=180s")
        made.kubectl(*said, patience=200)
        made.wait("formation", "simulated", "Ready", 300)
        yield made


@pytest.fixture
def busy(crew: Namespace) -> Struck:
    """The shipped mission under a name of its own; it runs and has spent something."""
    name = f"struck-{uuid.uuid4().hex[:6]}"
    text = (ROOT / "manifests" / "missions" / "duration-library.yaml").read_text()
    crew.wait("formation", "simulated", "Ready", 300)
    return Struck.begun(crew, name, text.replace("name: duration-library", f"name: {name}", 1))
