"""Who reaches whom: the chart's NetworkPolicies and the operator's, evaluated as a CNI that enforces them would.

The table below is the whole truth: every pair of pods, every port that anybody listens on, and no
connection but those that it names.
"""

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from hekaton_api.formation import FormationSpec
from hekaton_operator import names
from hekaton_operator.actions import Apply
from hekaton_operator.formation import children
from hekaton_operator.mission import shared
from hekaton_operator.objects import Meta
from hekaton_operator.settings import Server

MANIFESTS = Path(__file__).resolve().parents[2] / "manifests"
SYSTEM = "hekaton-system"
DNS, GIT, DATABASE, HEALTH, OPERATOR, BUS, CONTROL, ENDPOINT, API = (
    53, 443, 5432, 9102, 8080, 5590, 5591, 8000, 6443
)  # fmt: skip
PORTS = (DNS, GIT, DATABASE, HEALTH, OPERATOR, BUS, CONTROL, ENDPOINT, API)
Rule = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Pod:
    """One end of a connection; without a namespace it is an address outside of the cluster."""

    namespace: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    address: str = "10.0.0.9"


def chart(component: str) -> Pod:
    own = {"app.kubernetes.io/name": "hekaton", "app.kubernetes.io/instance": "hekaton"}
    return Pod(SYSTEM, {**own, names.COMPONENT: component})


def team(namespace: str, formation: str) -> Pod:
    return Pod(namespace, {**names.formation_labels(formation), names.REVISION: "r"})


def conductor(namespace: str, formation: str) -> Pod:
    return Pod(namespace, names.mission_labels("m", formation))


PODS = {
    "operator": chart("operator"),
    "postgres": chart("postgres"),
    "helm test": chart("test"),
    "team a": team("tenant", "a"),
    "mission of a": conductor("tenant", "a"),
    "team b": team("tenant", "b"),
    "mission of b": conductor("tenant", "b"),
    "team a elsewhere": team("neighbour", "a"),
    "mission elsewhere": conductor("neighbour", "a"),
    "tenant's pod": Pod("tenant", {"app": "any"}),
    "monitoring": Pod("monitoring", {"app": "prometheus"}),
    "outside": Pod(),
}
ANYTHING = set(PORTS)
TABLE = {
    ("operator", "postgres"): {DATABASE},
    ("helm test", "postgres"): {DATABASE},
    ("helm test", "operator"): {OPERATOR},
    ("mission of a", "postgres"): {DATABASE},
    ("mission of b", "postgres"): {DATABASE},
    ("mission elsewhere", "postgres"): {DATABASE},
    ("mission of a", "team a"): {BUS, CONTROL},
    ("mission of b", "team b"): {BUS, CONTROL},
    ("mission elsewhere", "team a elsewhere"): {BUS, CONTROL},
    ("monitoring", "operator"): {OPERATOR},
    # Health and metrics of formations are open to whoever may send there.
    **{
        (source, target): {HEALTH}
        for target in ("team a", "team b", "team a elsewhere")
        for source in ("team a", "team a elsewhere", "tenant's pod", "monitoring", "outside")
        if source != target
    },
    # Beyond the pods that policies are about: what each may send to anybody at all.
    **{
        (source, target): ports
        for target in ("tenant's pod", "monitoring", "outside")
        for source, ports in {
            "operator": {DNS, GIT, API},
            "helm test": {DNS},
            "mission of a": {DNS, DATABASE},
            "mission of b": {DNS, DATABASE},
            "mission elsewhere": {DNS, DATABASE},
            "team a": ANYTHING,
            "team b": {DNS, GIT},
            "team a elsewhere": ANYTHING,
            "tenant's pod": ANYTHING,
            "monitoring": ANYTHING,
            "outside": ANYTHING,
        }.items()
        if source != target
    },
}  # fmt: skip


def external() -> FormationSpec:
    """A formation whose models are elsewhere: it may speak to any server."""
    text = (MANIFESTS / "formations" / "simulated-cluster.yaml").read_text()
    return FormationSpec.model_validate(YAML(typ="safe", pure=True).load(text)["spec"])


def served_here() -> FormationSpec:
    """A formation that serves its own models: it downloads their weights and speaks to nobody else."""
    text = (MANIFESTS / "formations" / "local-cpu.yaml").read_text()
    return FormationSpec.model_validate(YAML(typ="safe", pure=True).load(text)["spec"])


@pytest.fixture(scope="module")
def policies() -> list[Rule]:
    """All of them: rendered by the chart, and made by the operator for two tenants."""
    text = (MANIFESTS / "install.yaml").read_text()
    found = [each for each in YAML(typ="safe", pure=True).load_all(text) if each]
    for namespace in ("tenant", "neighbour"):
        found += [each for name, spec in (("a", external()), ("b", served_here()))
                  for each in made(namespace, name, spec)]  # fmt: skip
        server = Server(host="hekaton-postgres.hekaton-system.svc")
        outcome = shared.decide(shared.Space(namespace, 1, False, {}), server, SYSTEM, None)
        found += [each.manifest.body for each in outcome.actions if isinstance(each, Apply)]
    return [each for each in found if each["kind"] == "NetworkPolicy"]


def made(namespace: str, name: str, spec: FormationSpec) -> Iterator[Rule]:
    meta = Meta(namespace, name, "uid", 1, "", False, "")
    yield from (each.body for each in children.fixed(meta, spec))


def selects(selector: Rule | None, labels: Mapping[str, str]) -> bool:
    """A label selector; ours use matchLabels alone."""
    assert set(selector or {}) <= {"matchLabels"}
    wanted = (selector or {}).get("matchLabels", {})
    return all(labels.get(name) == value for name, value in wanted.items())


def is_peer(peer: Rule, pod: Pod, home: str) -> bool:
    if block := peer.get("ipBlock"):
        inside = ipaddress.ip_address(pod.address) in ipaddress.ip_network(block["cidr"])
        return inside and "except" not in block
    if not pod.namespace or not selects(peer.get("podSelector"), pod.labels):
        return False
    if "namespaceSelector" not in peer:
        return pod.namespace == home
    here = {"kubernetes.io/metadata.name": pod.namespace}
    return selects(peer["namespaceSelector"], here)


def has_port(rule: Rule, port: int) -> bool:
    def one(each: Rule) -> bool:
        return bool(each["port"] <= port <= each.get("endPort", each["port"]))

    return "ports" not in rule or any(one(each) for each in rule["ports"])


def lets(policies: Iterable[Rule], way: str, pod: Pod, other: Pod, port: int) -> bool:
    """Whether a pod may send (Egress) or hear (Ingress): yes without a policy, else when one says so."""
    about = [
        each["spec"]
        for each in policies
        if pod.namespace == each["metadata"]["namespace"]
        and selects(each["spec"]["podSelector"], pod.labels)
        and way in each["spec"]["policyTypes"]
    ]
    side = "to" if way == "Egress" else "from"
    return not about or any(
        has_port(rule, port)
        and (side not in rule or any(is_peer(peer, other, pod.namespace) for peer in rule[side]))
        for spec in about
        for rule in spec.get(way.lower(), ())
    )


def reached(policies: list[Rule], source: Pod, target: Pod) -> set[int]:
    return {
        port
        for port in PORTS
        if lets(policies, "Egress", source, target, port)
        and lets(policies, "Ingress", target, source, port)
    }


@pytest.mark.parametrize("source", PODS)
def test_a_pod_reaches_what_the_table_names_and_nothing_else(
    policies: list[Rule], source: str
) -> None:
    found = {
        target: ports
        for target in PODS
        if target != source and (ports := reached(policies, PODS[source], PODS[target]))
    }
    wanted = {target: ports for (one, target), ports in TABLE.items() if one == source}
    assert found == wanted


def test_no_tenant_reaches_the_bus_of_another(policies: list[Rule]) -> None:
    strangers = ("mission of b", "mission elsewhere", "team b", "team a elsewhere", "tenant's pod")
    for source in strangers:
        assert {BUS, CONTROL}.isdisjoint(reached(policies, PODS[source], PODS["team a"])), source


def test_without_policies_everybody_would_reach_everybody() -> None:
    assert reached([], PODS["outside"], PODS["postgres"]) == set(PORTS)
