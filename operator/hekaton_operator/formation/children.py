"""The objects a formation is made of, beside its Secrets. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hekaton_api.dump import dump
from hekaton_api.formation import Formation, FormationSpec
from hekaton_api.meta import ObjectMeta
from hekaton_operator import names
from hekaton_operator.formation.pod import CLAIM, FILE, Team, template
from hekaton_operator.manifest import Manifest, manifest, owner_of
from hekaton_operator.network import DNS, ports, selected
from hekaton_operator.objects import Key, Kind, Meta

HEALTH_PORTS = (names.ENGINES_HEALTH, names.LAST_HEALTH)


def document(meta: Meta, spec: FormationSpec) -> str:
    """The formation as the runtime reads it."""
    plain = ObjectMeta(name=meta.name, namespace=meta.namespace)
    formation = Formation(
        api_version="hekaton.dev/v1alpha1", kind="Formation", metadata=plain, spec=spec
    )
    return dump((formation,))


def fixed(meta: Meta, spec: FormationSpec) -> tuple[Manifest, ...]:
    """What every formation has once, whatever its revision."""
    return (
        _child(meta, "ServiceAccount", meta.name, automountServiceAccountToken=False),
        _service(meta),
        _network_policy(meta, spec),
        _child(
            meta,
            "PodDisruptionBudget",
            meta.name,
            spec={
                "maxUnavailable": 1,
                "selector": {"matchLabels": _pods(meta)},
                "unhealthyPodEvictionPolicy": "AlwaysAllow",  # a broken pod holds up no drain
            },
        ),
    )


def config_map(meta: Meta, revision: str, text: str) -> Manifest:
    """What the pods of a revision read."""
    file = FILE.rpartition("/")[2]
    return _child(meta, "ConfigMap", revision, revision, data={file: text})


def stateful_set(meta: Meta, team: Team, replicas: int) -> Manifest:
    spec = {
        "replicas": replicas,
        "serviceName": names.service_name(meta.name),
        "podManagementPolicy": "Parallel",
        "revisionHistoryLimit": 3,
        "selector": {"matchLabels": {**_pods(meta), names.REVISION: team.revision}},
        "template": template(team),
    }
    return _child(meta, "StatefulSet", team.revision, team.revision, spec=spec)


def controller_revision(
    meta: Meta, revision: str, content: Mapping[str, Any], number: int
) -> Manifest:
    """What the pods of a revision are made of, for the history. It is applied and not created: only
    so the server writes `data` in its own way, and takes later changes of anything else for such."""
    made = _child(meta, "ControllerRevision", revision, revision, data={"spec": content})
    return replace(made, body={**made.body, "revision": number})


def claim_templates(meta: Meta, team: Team) -> tuple[Manifest, ...]:
    """What each pod's claim is made from, where its engines share one. It cannot be changed once
    made, and need not: another revision has another."""
    if not team.claims:
        return ()
    hardware = team.spec.hardware
    devices = {
        "deviceClassName": hardware.device_class,
        "allocationMode": "ExactCount",
        "count": hardware.gpu_count,
    }
    spec = {"spec": {"devices": {"requests": [{"name": CLAIM, "exactly": devices}]}}}
    made = _child(meta, "ResourceClaimTemplate", team.revision, team.revision, spec=spec)
    return (replace(made, once=True),)


def selector(meta: Meta) -> str:
    """Of the formation's pods, for the scale subresource."""
    return ",".join(f"{name}={value}" for name, value in _pods(meta).items())


def _pods(meta: Meta) -> Mapping[str, str]:
    return {names.COMPONENT: "formation", names.FORMATION: meta.name}


def _child(meta: Meta, kind: Kind, name: str, revision: str = "", **fields: Any) -> Manifest:
    labels = names.formation_labels(meta.name)
    marked = {**labels, names.REVISION: revision} if revision else labels
    owner = owner_of("Formation", meta)
    return manifest(Key(kind, meta.namespace, name), marked, owner, **fields)


def _service(meta: Meta) -> Manifest:
    """Headless: a mission talks to the one replica it was given. Not ready ones have names too,
    since a conductor waits for its replica rather than fail."""
    listed = [
        {"name": name, "port": port, "targetPort": port, "protocol": "TCP"}
        for name, port in (("bus", names.BUS_PORT), ("control", names.CONTROL_PORT))
    ]
    spec = {
        "clusterIP": "None",
        "publishNotReadyAddresses": True,
        "selector": dict(_pods(meta)),
        "ports": listed,
    }
    return _child(meta, "Service", names.service_name(meta.name), spec=spec)


def _network_policy(meta: Meta, spec: FormationSpec) -> Manifest:
    """In: the bus for this formation's missions, health and metrics for anybody. Out: names, and
    where models are elsewhere (or their weights are downloaded) any server."""
    missions = {names.COMPONENT: "mission", names.FORMATION: meta.name}
    first, last = HEALTH_PORTS
    rules = {
        "podSelector": {"matchLabels": dict(_pods(meta))},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [
            {"from": [selected(missions)], "ports": ports(names.BUS_PORT, names.CONTROL_PORT)},
            {"ports": [{"protocol": "TCP", "port": first, "endPort": last}]},
        ],
        "egress": [DNS, *_models(spec)],
    }
    return _child(meta, "NetworkPolicy", meta.name, spec=rules)


def _models(spec: FormationSpec) -> list[dict[str, Any]]:
    if any(model.engine in ("external", "api") for model in spec.models):
        return [{"ports": [{"protocol": "TCP", "port": 1, "endPort": 65535}]}]
    downloads = any(not (model.model or "").startswith("/") for model in spec.models)
    return [{"ports": ports(443)}] if downloads else []
