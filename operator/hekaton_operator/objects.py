"""What kinds of objects the operator knows, and how one of them is named. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

from hekaton_operator.names import SELECTOR

Kind: TypeAlias = Literal[
    "Formation",
    "Mission",
    "Space",
    "StatefulSet",
    "ControllerRevision",
    "Job",
    "Pod",
    "Service",
    "Secret",
    "ConfigMap",
    "ServiceAccount",
    "NetworkPolicy",
    "PodDisruptionBudget",
    "ResourceClaimTemplate",
    "Event",
    "Lease",
]
Body: TypeAlias = Mapping[str, Any]
"""An object as the API server writes it in JSON. Values of our own are made of it at once."""


class Key(NamedTuple):
    """One object. `Space` stands for what the missions of a namespace share; it has no name."""

    kind: Kind
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}".rstrip("/")


PAGE = 200
"""Objects of one answer to a LIST: a thousand pods at once are 20 MB of text and many times that of dicts."""


@dataclass(frozen=True, slots=True)
class Sort:
    """Where the API server keeps a kind."""

    kind: Kind
    group: str
    version: str
    plural: str
    ours: bool = False
    """Whether it is a kind of our own: watched without a label, written by its status only."""
    without: str = ""
    """A label that only objects of somebody else carry, though they carry all of ours too."""

    @property
    def selector(self) -> str | None:
        """The label selector of what is listed and watched; None for all."""
        if self.ours:
            return None
        return f"{SELECTOR},!{self.without}" if self.without else SELECTOR

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version


TEMPLATE_HASH = "controller.kubernetes.io/hash"
SORTS: tuple[Sort, ...] = (
    Sort("Formation", "hekaton.dev", "v1alpha1", "formations", ours=True),
    Sort("Mission", "hekaton.dev", "v1alpha1", "missions", ours=True),
    Sort("StatefulSet", "apps", "v1", "statefulsets"),
    # A StatefulSet's own have the labels of its pods, and this one.
    Sort("ControllerRevision", "apps", "v1", "controllerrevisions", without=TEMPLATE_HASH),
    Sort("Job", "batch", "v1", "jobs"),
    Sort("Pod", "", "v1", "pods"),
    Sort("Service", "", "v1", "services"),
    Sort("Secret", "", "v1", "secrets"),
    Sort("ConfigMap", "", "v1", "configmaps"),
    Sort("ServiceAccount", "", "v1", "serviceaccounts"),
    Sort("NetworkPolicy", "networking.k8s.io", "v1", "networkpolicies"),
    Sort("PodDisruptionBudget", "policy", "v1", "poddisruptionbudgets"),
)
"""What is watched."""
CLAIMS = Sort("ResourceClaimTemplate", "resource.k8s.io", "v1", "resourceclaimtemplates")
"""Listed now and then, not watched: a cluster before 1.34 does not know it, and few formations ask
for one."""
UNWATCHED: tuple[Sort, ...] = (
    CLAIMS,
    Sort("Event", "", "v1", "events"),
    Sort("Lease", "coordination.k8s.io", "v1", "leases"),
)


def sort_of(kind: Kind) -> Sort:
    """Where a kind is kept; raises KeyError for `Space`, which is no object."""
    return {each.kind: each for each in SORTS + UNWATCHED}[kind]


@dataclass(frozen=True, slots=True)
class Meta:
    """The part of an object's metadata that decisions are made of."""

    namespace: str
    name: str
    uid: str
    generation: int
    created: str
    """RFC 3339."""
    deleting: bool
    rotate: str
    """Value of the annotation hekaton.dev/rotate; any change asks for new keys."""


def meta_of(body: Body) -> Meta:
    meta = body["metadata"]
    return Meta(
        namespace=meta.get("namespace", ""),
        name=meta["name"],
        uid=meta.get("uid", ""),
        generation=meta.get("generation", 0),
        created=meta.get("creationTimestamp", ""),
        deleting="deletionTimestamp" in meta,
        rotate=(meta.get("annotations") or {}).get("hekaton.dev/rotate", ""),
    )


def key_of(kind: Kind, body: Body) -> Key:
    return Key(kind, body["metadata"].get("namespace", ""), body["metadata"]["name"])


def labels_of(body: Body) -> Mapping[str, str]:
    return body["metadata"].get("labels") or {}


def version_of(body: Body) -> int:
    """The resource version as the number it is on every server since 1.35; 0 without one."""
    text = body["metadata"].get("resourceVersion", "")
    return int(text) if text.isdigit() else 0


def controller_of(body: Body) -> str:
    """UID of the object that manages this one, or nothing."""
    owners = body["metadata"].get("ownerReferences") or ()
    return next((each["uid"] for each in owners if each.get("controller")), "")
