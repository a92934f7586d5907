"""Every pod of the chart, however it is installed, asks for no more than it needs."""

from chart.pods import breaches, containers, specs
from chart.yamls import Object


def test_pod_security_restricted_admits_every_pod(rendered: list[Object]) -> None:
    found = {name: list(breaches(spec)) for name, spec in specs(rendered).items()}
    assert found
    assert {name: said for name, said in found.items() if said} == {}


def test_every_root_file_system_is_read_only(rendered: list[Object]) -> None:
    for spec in specs(rendered).values():
        for container in containers(spec):
            assert container["securityContext"]["readOnlyRootFilesystem"] is True


def test_only_the_operator_and_the_service_hold_a_token(rendered: list[Object]) -> None:
    holders = [
        name
        for name, spec in specs(rendered).items()
        if spec.get("automountServiceAccountToken") is not False
    ]
    served = (
        ["Deployment/hekaton-service"] if "Deployment/hekaton-service" in specs(rendered) else []
    )
    assert holders == ["Deployment/hekaton-operator", *served]


def test_every_container_says_what_it_needs_and_what_it_may_take(rendered: list[Object]) -> None:
    for spec in specs(rendered).values():
        for container in containers(spec):
            assert set(container["resources"]["requests"]) >= {"cpu", "memory"}
            assert "memory" in container["resources"]["limits"]


def test_what_goes_on_running_is_probed(rendered: list[Object]) -> None:
    for name, spec in specs(rendered).items():
        ends = name.startswith(("Pod/", "CronJob/"))
        for container in () if ends else spec["containers"]:
            assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(container)


def test_every_image_has_a_tag_that_is_not_latest(rendered: list[Object]) -> None:
    for spec in specs(rendered).values():
        for container in containers(spec):
            tag = container["image"].rpartition("/")[2].partition(":")[2]
            assert tag
            assert tag != "latest"


def test_operators_are_spread_over_nodes_and_zones(rendered: list[Object]) -> None:
    spread = specs(rendered)["Deployment/hekaton-operator"]["topologySpreadConstraints"]
    assert {each["topologyKey"] for each in spread} == {
        "kubernetes.io/hostname",
        "topology.kubernetes.io/zone",
    }


def test_every_workload_has_a_disruption_budget(rendered: list[Object]) -> None:
    def selected(*kinds: str) -> list[str]:
        found = (each for each in rendered if each["kind"] in kinds)
        labels = (each["spec"]["selector"]["matchLabels"] for each in found)
        return sorted(each["app.kubernetes.io/component"] for each in labels)

    assert selected("PodDisruptionBudget") == selected("Deployment", "StatefulSet")
