"""The ways to install: cluster-wide or for one namespace, with our Postgres or with yours."""

from collections.abc import Iterator

import pytest
from chart.conftest import EXTERNAL
from chart.helm import Helm
from chart.pods import containers, specs
from chart.yamls import Object

CLUSTER_WIDE = {"ClusterRole", "ClusterRoleBinding"}


def named(objects: list[Object], kind: str) -> list[str]:
    return [each["metadata"]["name"] for each in objects if each["kind"] == kind]


def environment(objects: list[Object]) -> dict[str, Object]:
    [operator] = specs(objects)["Deployment/hekaton-operator"]["containers"]
    return {each["name"]: each for each in operator["env"]}


def rules(objects: list[Object]) -> Iterator[tuple[str, Object]]:
    for each in objects:
        if each["kind"] in {"Role", "ClusterRole"}:
            yield from ((each["metadata"]["name"], rule) for rule in each["rules"])


def test_one_namespace_takes_no_right_outside_of_it(helm: Helm) -> None:
    objects = helm.objects("watchNamespace=team-a")
    assert [each for each in objects if each["kind"] in CLUSTER_WIDE] == []
    roles = {(each["metadata"]["namespace"], each["metadata"]["name"])
             for each in objects if each["kind"] == "Role"}  # fmt: skip
    assert roles == {("team-a", "hekaton-operator"), ("hekaton-system", "hekaton-operator-lease")}
    assert environment(objects)["HEKATON_WATCH_NAMESPACE"]["value"] == "team-a"


def test_both_modes_grant_the_same_rules(helm: Helm) -> None:
    everywhere = [rule for name, rule in rules(helm.objects()) if name == "hekaton-operator"]
    confined = [
        rule
        for name, rule in rules(helm.objects("watchNamespace=team-a"))
        if name == "hekaton-operator"
    ]
    assert everywhere == confined


def test_no_rule_of_the_operator_has_a_star_or_runs_commands_in_pods(
    rendered: list[Object],
) -> None:
    for _, rule in rules(rendered):
        words = {*rule["apiGroups"], *rule["resources"], *rule["verbs"]}
        assert words.isdisjoint({"*", "pods/exec", "nodes", "escalate", "bind", "impersonate"})


def test_the_operator_never_writes_what_people_wish(rendered: list[Object]) -> None:
    granted = {
        verb
        for name, rule in rules(rendered)
        if name == "hekaton-operator" and {"formations", "missions"} & set(rule["resources"])
        for verb in rule["verbs"]
    }
    assert granted == {"list", "watch", "delete"}


def test_an_external_database_renders_no_postgres(helm: Helm) -> None:
    objects = helm.objects(*EXTERNAL)
    assert named(objects, "StatefulSet") == []
    assert [name for name in named(objects, "Secret") if "postgres" in name] == []
    assert named(objects, "Service") == ["hekaton-operator"]
    said = environment(objects)
    assert said["HEKATON_DB_HOST"]["value"] == "db.example.com"
    reference = said["HEKATON_DB_PASSWORD"]["valueFrom"]["secretKeyRef"]
    assert reference == {"name": "pw", "key": "password"}


def test_a_secret_of_ones_own_is_used_and_none_is_made(helm: Helm) -> None:
    objects = helm.objects("postgres.existingSecret=mine")
    assert named(objects, "Secret") == []
    assert "name: mine" in helm.text("postgres.existingSecret=mine")
    assert (
        environment(objects)["HEKATON_DB_PASSWORD"]["valueFrom"]["secretKeyRef"]["name"] == "mine"
    )


def test_no_password_is_written_anywhere_but_in_its_secret(helm: Helm) -> None:
    objects = helm.objects()
    [secret] = [each for each in objects if each["kind"] == "Secret"]
    password = secret["data"]["password"]
    assert len(password) >= 40
    assert [each["kind"] for each in objects if password in str(each)] == ["Secret"]


def test_crds_can_be_left_to_somebody_else(helm: Helm) -> None:
    assert "CustomResourceDefinition" in helm.text()
    assert "CustomResourceDefinition" not in helm.text("crds.enabled=false")


@pytest.mark.parametrize(
    ("image", "whole"),
    [
        ("hekaton/operator", "r.example.com/hekaton/operator:0.1.0"),
        ("localhost/hekaton-operator:e2e", "localhost/hekaton-operator:e2e"),
        ("localhost:5000/operator", "r.example.com/localhost:5000/operator:0.1.0"),
        ("other/operator@sha256:0123", "other/operator@sha256:0123"),
    ],
)
def test_an_image_with_a_tag_or_digest_stays_as_it_is(helm: Helm, image: str, whole: str) -> None:
    objects = helm.objects("images.registry=r.example.com", f"images.operator={image}")
    [operator] = specs(objects)["Deployment/hekaton-operator"]["containers"]
    assert operator["image"] == whole


def test_commands_of_models_run_in_the_runtime_image_unless_told(helm: Helm) -> None:
    said = environment(helm.objects())
    assert said["HEKATON_IMAGE_WORKSPACE"]["value"] == said["HEKATON_IMAGE_RUNTIME"]["value"]
    told = environment(helm.objects("images.workspace=tools/rust:1"))
    assert told["HEKATON_IMAGE_WORKSPACE"]["value"] == "tools/rust:1"


def test_the_database_is_prepared_before_the_operator_starts(rendered: list[Object]) -> None:
    spec = specs(rendered)["Deployment/hekaton-operator"]
    migrate, operator = containers(spec)
    assert migrate["command"] == ["hekaton", "migrate"]
    database = [each for each in operator["env"] if each["name"].startswith("HEKATON_DB_")]
    assert [each for each in migrate["env"] if each in database] == database


def test_namespaces_have_roles_of_their_own_unless_the_server_allows_none(helm: Helm) -> None:
    name = "HEKATON_TENANT_ROLES"
    assert environment(helm.objects())[name]["value"] == "true"
    assert environment(helm.objects("database.tenantRoles=false"))[name]["value"] == "false"


def test_the_charts_own_postgres_lets_the_operator_make_roles(helm: Helm) -> None:
    (first,) = (
        each["data"]["hekaton.sql"]
        for each in helm.objects()
        if each["kind"] == "ConfigMap" and "hekaton.sql" in each["data"]
    )
    assert 'create role :"role" login createrole password' in first
