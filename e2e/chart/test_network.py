"""Nothing talks to anything but what is named."""

from typing import Any

import pytest
from chart.helm import Helm
from chart.yamls import Object


@pytest.fixture(scope="module")
def policies(helm: Helm) -> dict[str, Object]:
    return {
        each["metadata"]["name"]: each["spec"]
        for each in helm.objects()
        if each["kind"] == "NetworkPolicy"
    }


def ports(rules: list[dict[str, Any]]) -> set[int]:
    return {port["port"] for rule in rules for port in rule["ports"]}


def test_everything_is_denied_first(policies: dict[str, Object]) -> None:
    denied = policies["hekaton-deny"]
    assert set(denied["policyTypes"]) == {"Ingress", "Egress"}
    assert "ingress" not in denied
    assert "egress" not in denied
    assert set(denied["podSelector"]["matchLabels"]) == {
        "app.kubernetes.io/name",
        "app.kubernetes.io/instance",
    }


def test_postgres_speaks_to_nobody_and_hears_operators_conductors_and_the_test(
    policies: dict[str, Object],
) -> None:
    postgres = policies["hekaton-postgres"]
    assert "egress" not in postgres
    [rule] = postgres["ingress"]
    assert ports([rule]) == {5432}
    heard = [
        peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"] for peer in rule["from"]
    ]
    assert heard == ["operator", "test", "mission"]


def test_the_operator_reaches_dns_the_api_server_and_the_database(
    policies: dict[str, Object],
) -> None:
    operator = policies["hekaton-operator"]
    assert ports(operator["egress"]) == {53, 443, 6443, 5432}
    assert ports(operator["ingress"]) == {8080}


def test_conductors_of_other_namespaces_stay_out_when_one_is_watched(helm: Helm) -> None:
    objects = helm.objects("watchNamespace=team-a")
    [postgres] = [
        each
        for each in objects
        if each["kind"] == "NetworkPolicy" and each["metadata"]["name"] == "hekaton-postgres"
    ]
    conductors = postgres["spec"]["ingress"][0]["from"][2]
    assert conductors["namespaceSelector"] == {
        "matchLabels": {"kubernetes.io/metadata.name": "team-a"}
    }


def test_a_backup_reaches_the_database_and_nobody_reaches_it(helm: Helm) -> None:
    objects = helm.objects("backup.enabled=true")
    found = {
        each["metadata"]["name"]: each["spec"]
        for each in objects
        if each["kind"] == "NetworkPolicy"
    }
    backup = found["hekaton-backup"]
    assert "ingress" not in backup
    assert ports(backup["egress"]) == {53, 5432}
    heard = [
        peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"]
        for peer in found["hekaton-postgres"]["ingress"][0]["from"]
    ]
    assert heard == ["operator", "test", "backup", "mission"]


def test_policies_can_be_left_out(helm: Helm) -> None:
    objects = helm.objects("networkPolicies.enabled=false")
    assert [each for each in objects if each["kind"] == "NetworkPolicy"] == []
