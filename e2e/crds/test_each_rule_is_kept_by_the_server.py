"""Each rule of the CRDs refuses its manifest in words for a person, and accepts the right one."""

import json
from pathlib import Path
from typing import Any

import pytest
from cluster.use import Cluster
from crds.rules import FORMATIONS, MISSIONS, Case, changed
from crds.server import Server

ROOT = Path(__file__).resolve().parents[2]
LATER = {"is never changed", "is never undone", "is fixed once", "is less than what is spent"}
"""Beginnings of messages about changes; test_a_change_keeps_the_rules breaks those rules."""


def broken(server: Server, document: dict[str, Any], case: Case) -> None:
    changed(document, case.before)
    right = server.dry(document)
    assert right.accepted, right.message
    wrong = server.dry(changed(document, case.changes))
    assert wrong.code == 422
    assert case.words in wrong.refusals[case.where]


@pytest.mark.parametrize("case", FORMATIONS.values(), ids=FORMATIONS)
def test_of_a_formation(server: Server, formation: dict[str, Any], case: Case) -> None:
    broken(server, formation, case)


@pytest.mark.parametrize("case", MISSIONS.values(), ids=MISSIONS)
def test_of_a_mission(server: Server, mission: dict[str, Any], case: Case) -> None:
    broken(server, mission, case)


def rules(schema: dict[str, Any]) -> set[str]:
    """The messages of all rules within a schema of a spec."""
    found = {rule["message"] for rule in schema.get("x-kubernetes-validations", ())}
    inner = [*schema.get("properties", {}).values(), *filter(None, [schema.get("items")])]
    return found.union(*(rules(each) for each in inner))


def test_no_rule_is_without_a_manifest_that_breaks_it(known: Cluster) -> None:
    words = {case.words for case in (*FORMATIONS.values(), *MISSIONS.values())} | LATER
    for plural in ("formations", "missions"):
        said = known.kubectl("get", "crd", f"{plural}.hekaton.dev", "--output=json")
        version = json.loads(said)["spec"]["versions"][0]
        messages = rules(version["schema"]["openAPIV3Schema"])
        assert [each for each in messages if not any(word in each for word in words)] == []


def test_an_unknown_field_is_refused_by_name(server: Server, mission: dict[str, Any]) -> None:
    mission["spec"]["gaol"] = "x"
    answer = server.dry(mission)
    assert (answer.code, 'unknown field "spec.gaol"' in answer.message) == (400, True)


def test_a_name_longer_than_a_label_is_refused(server: Server, mission: dict[str, Any]) -> None:
    mission["metadata"]["name"] = "x" * 64
    assert "metadata.name" in server.dry(mission).refusals


@pytest.mark.parametrize("folder", ["formations", "missions"])
def test_our_own_manifests_are_accepted(known: Cluster, folder: str) -> None:
    for path in sorted((ROOT / "manifests" / folder).glob("*.yaml")):
        if not path.name.endswith(".book.yaml"):
            known.kubectl("apply", "--dry-run=server", f"--filename={path}")
