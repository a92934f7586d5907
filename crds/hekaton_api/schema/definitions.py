"""The CustomResourceDefinitions of Formation and Mission. Pure."""

from collections.abc import Iterable
from typing import Any

from hekaton_api.fields import NAME, Part
from hekaton_api.formation import Formation
from hekaton_api.mission import Mission
from hekaton_api.schema.structural import Schema, structural

GROUP = "hekaton.dev"
VERSION = "v1alpha1"


UNSEEN = {"observedGeneration": -1}
"""What a server gives to a new object: else kstatus, which trusts an empty status, would call it current."""


def column(name: str, path: str, about: str, kind: str = "string", wide: bool = False) -> Schema:
    """A column of `kubectl get`; a wide one shows with -o wide only."""
    found = {"name": name, "type": kind, "description": about, "jsonPath": path}
    return {**found, "priority": 1} if wide else found


def condition(kind: str, field: str) -> str:
    """The path to one field of one condition."""
    return f'.status.conditions[?(@.type=="{kind}")].{field}'


AGE = column("Age", ".metadata.creationTimestamp", "Time since it was made.", "date")
FORMATION_COLUMNS = (
    column("Ready", condition("Ready", "status"), "Whether all of it serves as wanted."),
    column("Reason", condition("Ready", "reason"), "Why it is ready or not."),
    column("Pods", ".status.ready", "Pods that take missions.", "integer"),
    column("Wanted", ".spec.replicas", "Pods that are wanted.", "integer"),
    column("Missions", ".status.activeMissions", "Missions that run now.", "integer"),
    column("Queue", ".status.queue", "Missions that wait.", "integer"),
    AGE,
    column("Hardware", ".spec.hardware.profile", "What it runs on.", wide=True),
    column("FreeGiB", ".status.vramPlan.freeGiB", "GPU memory left, GiB.", "number", True),
    column("Revision", ".status.revisions.current", "Snapshot that takes missions.", wide=True),
    column("Message", condition("Ready", "message"), "The same in a sentence.", wide=True),
)
MISSION_COLUMNS = (
    column("Formation", ".spec.formation", "Who works on it."),
    column("Phase", ".status.phase", "What the team does now."),
    column("Admitted", condition("Admitted", "reason"), "Whether it may run, else why not."),
    column("Passed", condition("Succeeded", "status"), "Whether acceptance passed."),
    column("Done", ".status.tasks.done", "Tasks that are merged.", "integer"),
    column("Tasks", ".status.tasks.total", "Tasks of the plan.", "integer"),
    column("Tokens", ".status.spent.tokens", "Tokens used so far.", "integer"),
    column("USD", ".status.spent.usd", "US dollars used so far.", "number"),
    AGE,
    column("Mode", ".spec.mode", "How it is worked.", wide=True),
    column("Running", condition("Running", "reason"), "How its pod fares.", wide=True),
    column("Queue", ".status.queuePosition", "Missions ahead of it.", "integer", True),
    column("Score", ".status.scores.weighted", "The auditor's score, 0 to 10.", "number", True),
    column("Artifact", ".status.artifact.location", "Where the result is.", wide=True),
)


def formations() -> Schema:
    """The definition of Formation."""
    subresources = {
        "status": {},
        "scale": {
            "specReplicasPath": ".spec.replicas",
            "statusReplicasPath": ".status.replicas",
            "labelSelectorPath": ".status.selector",
        },
    }
    paths = (".spec.hardware.profile",)
    return _definition(Formation, "formations", "fm", FORMATION_COLUMNS, subresources, paths)


def missions() -> Schema:
    """The definition of Mission."""
    paths = (".spec.formation", ".spec.mode", ".status.phase")
    return _definition(Mission, "missions", "ms", MISSION_COLUMNS, {"status": {}}, paths)


def _definition(
    kind: type[Part],
    plural: str,
    short: str,
    columns: Iterable[Schema],
    subresources: Schema,
    selectable: Iterable[str],
) -> Schema:
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "additionalPrinterColumns": list(columns),
        "selectableFields": [{"jsonPath": path} for path in selectable],
        "subresources": subresources,
        "schema": {"openAPIV3Schema": schema(kind)},
    }
    names: dict[str, Any] = {"kind": kind.__name__, "listKind": f"{kind.__name__}List"}
    names |= {"plural": plural, "singular": kind.__name__.lower()}
    names |= {"shortNames": [short], "categories": ["hekaton"]}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {"group": GROUP, "scope": "Namespaced", "names": names, "versions": [version]},
    }


def schema(kind: type[Part]) -> Schema:
    """The structural schema of a kind; of what the operator reports only that it has reported nothing."""
    whole = kind.model_json_schema(by_alias=True)
    parts = whole.pop("$defs")
    fields = whole["properties"]
    whole["properties"] = {}
    found = structural(whole, parts)
    found["properties"] = {
        "apiVersion": {"description": fields["apiVersion"]["description"], "type": "string"},
        "kind": {"description": fields["kind"]["description"], "type": "string"},
        "metadata": {
            "type": "object",
            "properties": {"name": {"type": "string", "maxLength": 63, "pattern": NAME}},
        },
        "spec": structural(fields["spec"], parts),
        "status": {**structural(fields["status"], parts, defaults=False), "default": UNSEEN},
    }
    found["required"] = ["spec"]
    return found
