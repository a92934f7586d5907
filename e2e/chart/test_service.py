"""The HMA service in the chart: off by default, with rights to Missions of one namespace and nothing else."""

import base64
from typing import Any

import pytest
from chart.helm import Helm, Refused
from chart.yamls import Object

ON = ("service.enabled=true", "service.formation=team")
CONFINED = "watchNamespace=team-a"


def ours(objects: list[Object], kind: str) -> Any:
    [one] = [
        each
        for each in objects
        if each["kind"] == kind and each["metadata"]["name"] == "hekaton-service"
    ]
    return one


def test_by_default_there_is_none_of_it(helm: Helm) -> None:
    assert [each for each in helm.objects() if "service" in each["metadata"]["name"]] == []


def test_it_may_read_make_and_cancel_missions_of_one_namespace(helm: Helm) -> None:
    role = ours(helm.objects(*ON, CONFINED), "Role")
    assert role["metadata"]["namespace"] == "team-a"
    assert role["rules"] == [
        {
            "apiGroups": ["hekaton.dev"],
            "resources": ["missions"],
            "verbs": ["get", "list", "watch", "create", "patch"],
        }
    ]
    bound = ours(helm.objects(*ON, CONFINED), "RoleBinding")
    assert bound["subjects"] == [
        {"kind": "ServiceAccount", "name": "hekaton-service", "namespace": "hekaton-system"}
    ]


def test_its_missions_are_made_where_its_rights_are(helm: Helm) -> None:
    for sets, space in ((ON, "hekaton-system"), ((*ON, "service.namespace=mine"), "mine")):
        objects = helm.objects(*sets)
        [container] = ours(objects, "Deployment")["spec"]["template"]["spec"]["containers"]
        assert f"--namespace={space}" in container["args"]
        assert ours(objects, "Role")["metadata"]["namespace"] == space


def test_a_random_key_is_made_unless_a_secret_is_named(helm: Helm) -> None:
    keys = base64.b64decode(ours(helm.objects(*ON), "Secret")["data"]["keys"]).decode()
    name, _, key = keys.strip().partition(":")
    assert (name, len(key)) == ("first", 40)
    named = helm.objects(*ON, "service.existingSecret=mine")
    spec = ours(named, "Deployment")["spec"]["template"]["spec"]
    assert spec["volumes"][1]["secret"]["secretName"] == "mine"
    assert [each for each in named if each["kind"] == "Secret" and "service" in str(each)] == []


def test_it_reaches_dns_and_the_api_server_and_is_asked_on_one_port(helm: Helm) -> None:
    policy = ours(helm.objects(*ON), "NetworkPolicy")["spec"]
    assert {port["port"] for rule in policy["egress"] for port in rule["ports"]} == {53, 443, 6443}
    assert policy["ingress"] == [{"ports": [{"protocol": "TCP", "port": 8080}]}]


def test_a_service_without_a_formation_is_refused(helm: Helm) -> None:
    with pytest.raises(Refused, match="service.formation is empty while service.enabled is true"):
        helm.objects("service.enabled=true")
