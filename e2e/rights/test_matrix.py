"""The operator has what it uses and nothing more, in both modes; runtime pods have nothing at all.

What it uses is read from the API server's audit log after a course of life that touches everything;
what it has, from the roles that the chart bound to its account.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from cluster.objects import mission
from cluster.use import Cluster
from install.conftest import NAMESPACE
from rights.conftest import TEAM, Stage, crew, installed
from rights.course import course

Right = tuple[str, str, str]
"""Namespace (of its own, or that it serves), resource with group and subresource, verb."""
OWN, SERVED = "own", "served"
AFTER_A_COLLISION = {
    (SERVED, "jobs.batch", "get"),
    (SERVED, "configmaps", "get"),
    (SERVED, "resourceclaimtemplates.resource.k8s.io", "get"),
}
"""Asked when a name turns out to be taken."""


@pytest.fixture(scope="module", params=["", TEAM], ids=["all namespaces", "one namespace"])
def stage(server: Cluster, tmp_path_factory: pytest.TempPathFactory, request: Any) -> Any:
    folder: Path = tmp_path_factory.mktemp("operator")
    with installed(server, folder, request.param) as made:
        course(made)
        yield made


def granted(stage: Stage) -> set[Right]:
    found: set[Right] = set()
    role = ("-n", TEAM, "role") if stage.watched else ("clusterrole",)
    for place, words in ((SERVED, role), (OWN, ("-n", NAMESPACE, "role"))):
        name = "hekaton-operator" if place == SERVED else "hekaton-operator-lease"
        rules = json.loads(stage.cluster.kubectl("get", *words, name, "-o", "json"))["rules"]
        for rule in rules:
            for group in rule["apiGroups"]:
                for resource in rule["resources"]:
                    found |= {(place, named(group, resource), verb) for verb in rule["verbs"]}
    return found


def used(stage: Stage) -> set[Right]:
    found: set[Right] = set()
    for event in stage.requests():
        what = event.get("objectRef")
        if what is None or event["responseStatus"]["code"] in (401, 403):
            continue
        part = f"/{what['subresource']}" if "subresource" in what else ""
        resource = named(what.get("apiGroup", ""), f"{what['resource']}{part}")
        place = OWN if what["resource"] == "leases" else SERVED
        found.add((place, resource, event["verb"]))
        if event["verb"] == "patch" and event["responseStatus"]["code"] == 201:
            found.add((place, resource, "create"))  # an apply that makes needs both
    return found


def named(group: str, resource: str) -> str:
    name, _, part = resource.partition("/")
    whole = f"{name}.{group}" if group else name
    return f"{whole}/{part}" if part else whole


def test_no_right_is_missing(stage: Stage) -> None:
    refused = [
        f"{each['verb']} {each.get('objectRef')}"
        for each in stage.requests()
        if each["responseStatus"]["code"] == 403
    ]
    assert refused == []
    assert used(stage) <= granted(stage)


def test_no_right_is_unused(stage: Stage) -> None:
    spare = granted(stage) - used(stage) - AFTER_A_COLLISION
    assert not spare, f"granted and never used: {sorted(spare)}"


def test_the_operator_serves_no_namespace_but_its_own_in_that_mode(stage: Stage) -> None:
    if not stage.watched:
        assert any("namespace" not in e["objectRef"] for e in stage.requests() if "objectRef" in e)
        return
    elsewhere = [
        (e["verb"], e["objectRef"], e.get("responseStatus", {}).get("code"))
        for e in stage.requests()
        if "objectRef" in e and e["objectRef"].get("namespace", "") not in (TEAM, NAMESPACE)
    ]
    assert not elsewhere


def test_pods_of_formations_and_missions_have_no_right_and_no_token(stage: Stage) -> None:
    stage.apply(crew("crew", "sapper", "auditor", "analyst"), mission("last", "crew"))
    accounts = {"crew"}
    for made in stage.listed("statefulsets"):
        template = made["spec"]["template"]["spec"]
        assert template["automountServiceAccountToken"] is False
        accounts.add(template["serviceAccountName"])
    for name in (*accounts, "hekaton-mission"):
        who = f"--as=system:serviceaccount:{TEAM}:{name}"
        group = "--as-group=system:serviceaccounts"
        said = stage.cluster.run("kubectl", "auth", "can-i", "--list", "-n", TEAM, who, group).out
        rows = [line.split()[0] for line in said.splitlines()[1:] if line and line[0] != " "]
        assert set(rows) <= {
            "selfsubjectreviews.authentication.k8s.io",
            "selfsubjectaccessreviews.authorization.k8s.io",
            "selfsubjectrulesreviews.authorization.k8s.io",
        }, said
