"""A wrong value is refused before anything is installed, in words that say what to do."""

import pytest
from chart.helm import CHART, Helm, Refused


def said(helm: Helm, *sets: str) -> str:
    with pytest.raises(Refused) as caught:
        helm.text(*sets)
    return str(caught.value)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("operator.replica=3", "additional properties 'replica' not allowed"),
        ("operator.replicas=two", "'/operator/replicas': got string, want integer"),
        ("operator.logLevel=loud", "'/operator/logLevel': value must be one of 'debug', 'info'"),
        ("postgres.storage.size=big", "'/postgres/storage/size'"),
        ("watchNamespace=Team_A", "'/watchNamespace': 'Team_A' does not match pattern"),
        ("database.port=70000", "'/database/port': maximum"),
        ("images.pullPolicy=Sometimes", "'/images/pullPolicy'"),
        ("database.name=a-b", "'/database/name': 'a-b' does not match pattern"),
        ("backup.keep=0", "'/backup/keep': minimum"),
        ("backup.schedule=nightly", "'/backup/schedule': 'nightly' does not match pattern"),
        ("networkPolicies.apiServerPorts=443", "'/networkPolicies/apiServerPorts'"),
    ],
)
def test_a_wrong_value_is_named_by_its_path(helm: Helm, value: str, words: str) -> None:
    assert words in said(helm, value)


def test_an_external_database_lacks_nothing_unsaid(helm: Helm) -> None:
    text = said(helm, "postgres.enabled=false")
    assert "database.host is empty" in text
    assert "database.existingSecret is empty" in text


def test_two_databases_at_once_are_refused(helm: Helm) -> None:
    text = said(helm, "database.host=db", "database.existingSecret=pw")
    assert 'database.host is "db" while postgres.enabled is true' in text
    assert "Name the Secret of the chart's own Postgres in postgres.existingSecret" in text


def test_the_superuser_is_not_lent_to_missions(helm: Helm) -> None:
    assert 'database.user is "postgres", the superuser' in said(helm, "database.user=postgres")


def test_an_older_kubernetes_is_refused(helm: Helm) -> None:
    with pytest.raises(Refused, match="incompatible with Kubernetes v1.30"):
        helm.say("template", "hekaton", str(CHART), "--kube-version", "v1.30.0")


def test_helm_lint_has_no_complaint(helm: Helm) -> None:
    assert "0 chart(s) failed" in helm.say("lint", "--strict", str(CHART))
