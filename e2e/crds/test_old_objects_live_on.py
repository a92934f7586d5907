"""When a rule becomes stricter, objects that break it are kept; only what is wrong cannot grow.

The definitions go to a group of their own, so that the real ones stay as they are.
"""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from cluster.use import Cluster
from crds.server import Server

GROUP = "old.hekaton.dev"


def loosened(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a time before the rules: any goal, and any length of time."""
    loose = copy.deepcopy(schema)
    spec = loose["properties"]["spec"]
    del spec["properties"]["goal"]["x-kubernetes-validations"]
    del spec["properties"]["budget"]["properties"]["wallClock"]["x-kubernetes-validations"]
    return loose


@pytest.fixture(scope="module")
def definition(known: Cluster) -> dict[str, Any]:
    """The definition of Mission under another group."""
    made = json.loads(known.kubectl("get", "crd", "missions.hekaton.dev", "--output=json"))
    spec = {name: made["spec"][name] for name in ("names", "scope", "versions")}
    spec = {**spec, "group": GROUP}
    names = {**spec["names"], "shortNames": [], "categories": []}
    name = {"name": f"missions.{GROUP}"}
    return {
        **{key: made[key] for key in ("apiVersion", "kind")},
        "metadata": name,
        "spec": {**spec, "names": names},
    }


@pytest.fixture
def old(known: Cluster, server: Server, definition: dict[str, Any]) -> Iterator[Server]:
    """A server that holds a mission from the time before, and by now has the new definition."""
    loose = copy.deepcopy(definition)
    version = loose["spec"]["versions"][0]
    version["schema"]["openAPIV3Schema"] = loosened(version["schema"]["openAPIV3Schema"])
    install(known, loose)
    there = Server(server.connection, server.namespace, f"/apis/{GROUP}/v1alpha1")
    goal = {"goal": " ", "budget": {"tokens": 5, "usd": 1, "wallClock": "9999h"}}
    rest = {"formation": "team", "workspace": {"files": []}, "acceptance": {"commands": ["true"]}}
    document = {"apiVersion": f"{GROUP}/v1alpha1", "kind": "Mission", "spec": {**goal, **rest}}
    assert there.create({**document, "metadata": {"name": "old"}}).accepted
    install(known, definition)
    yield there
    known.kubectl("delete", "crd", definition["metadata"]["name"], "--wait=true")


def install(known: Cluster, definition: dict[str, Any]) -> None:
    """Apply a definition and wait until the server goes by it."""
    name = definition["metadata"]["name"]
    known.kubectl("apply", "--server-side", "--filename=-", text=json.dumps(definition))
    known.kubectl("wait", "--for=condition=Established", "--timeout=30s", f"crd/{name}")
    strict = "x-kubernetes-validations" in json.dumps(definition["spec"]["versions"][0]["schema"])
    assert strict


def test_an_old_object_can_be_labelled_changed_elsewhere_and_mended(old: Server) -> None:
    assert eventually_refused(old, {"spec": {"budget": {"wallClock": "9998h"}}})
    assert old.merge("Mission", "old", {"metadata": {"labels": {"a": "b"}}}).accepted
    assert old.merge("Mission", "old", {"status": {"phase": "build"}}, "/status").accepted
    assert old.merge("Mission", "old", {"spec": {"priority": 7, "cancel": True}}).accepted
    assert old.merge("Mission", "old", {"spec": {"budget": {"wallClock": "1h"}}}).accepted
    assert not old.merge("Mission", "old", {"spec": {"budget": {"wallClock": "9999h"}}}).accepted


def eventually_refused(old: Server, change: dict[str, Any]) -> bool:
    """Whether the change is refused; the server takes a moment to learn a new definition."""
    dry = "?dryRun=All"
    return any(not old.merge("Mission", "old", change, dry).accepted for _ in range(200))
