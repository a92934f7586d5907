"""What a formation's reconcile sees: the formation, its children, its pods, its missions. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from hekaton_operator.conditions import Condition
from hekaton_operator.formation.blueprint import Blueprint
from hekaton_operator.objects import Body, Key, Meta
from hekaton_operator.pods import Pod


@dataclass(frozen=True, slots=True)
class Use:
    """The missions of a formation."""

    active: int = 0
    """Admitted, and not ended."""
    queued: int = 0
    revisions: tuple[str, ...] = ()
    """Revisions that active missions work with, one entry a mission."""


@dataclass(frozen=True, slots=True)
class View:
    meta: Meta
    plan: Blueprint | tuple[str, ...]
    """Or why the spec is none."""
    conditions: tuple[Condition, ...]
    current: str
    """Revision that took missions when this was looked at last; empty when none did."""
    children: Mapping[Key, Body]
    """Everything that carries the formation's label, its pods excepted."""
    pods: tuple[Pod, ...]
    use: Use
    now: float
    refused: tuple[str, str] | None = None
    """Reason and message of a write that the server refused just now."""


@dataclass(frozen=True, slots=True)
class Set:
    """A StatefulSet of the formation."""

    name: str
    uid: str
    replicas: int
    template: str
    """Hash of its newest template; empty until its controller has seen it."""


def sets(view: View) -> tuple[Set, ...]:
    """Its StatefulSets, oldest first as far as their names tell nothing."""
    return tuple(
        _set(body)
        for key, body in sorted(view.children.items())
        if key.kind == "StatefulSet" and "deletionTimestamp" not in body["metadata"]
    )


def _set(body: Body) -> Set:
    meta, status = body["metadata"], body.get("status") or {}
    seen = status.get("observedGeneration", 0) >= meta.get("generation", 0)
    return Set(
        meta["name"],
        meta.get("uid", ""),
        (body.get("spec") or {}).get("replicas", 1),
        status.get("updateRevision", "") if seen else "",
    )


def ready_pods(view: View, revision: str) -> tuple[Pod, ...]:
    """Pods of a revision that take missions and were made from its newest template."""
    newest = next((each.template for each in sets(view) if each.name == revision), "")
    return tuple(
        pod
        for pod in view.pods
        if pod.revision == revision and pod.ready and not pod.deleting and pod.template == newest
    )


def serving_pods(view: View, revision: str) -> tuple[Pod, ...]:
    """Pods of a revision that take missions, be they made from its newest template or not."""
    return tuple(
        pod for pod in view.pods if pod.revision == revision and pod.ready and not pod.deleting
    )
