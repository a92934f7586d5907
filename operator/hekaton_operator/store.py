"""What the cluster looks like, as far as it was told: every watched object by its key.

Filled by LISTs before the feed starts, then by events and by the answers to our own writes. It keeps
the newest version of each object, never one that is known to be deleted, and only the fields that
decisions read.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from hekaton_operator.mission.status import SCORES, SITREP, SUMMARY
from hekaton_operator.names import COMPONENT, FORMATION, MISSION
from hekaton_operator.objects import Body, Key, Kind, labels_of, version_of
from hekaton_operator.report import scores

TOMBS = 20_000
"""Deleted objects that are remembered: an answer to a write may come after the deletion."""
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


@dataclass(frozen=True, slots=True)
class Change:
    """An object that is new, other than before, or gone."""

    what: Literal["added", "changed", "gone"]
    key: Key
    parents: tuple[Key, ...]


class Store:
    """Not safe for threads; all of it happens in one event loop."""

    def __init__(self) -> None:
        self._bodies: dict[Key, Body] = {}
        self._family: dict[Key, set[Key]] = {}
        self._tombs: OrderedDict[str, int] = OrderedDict()
        self._watchers: list[Callable[[Change], None]] = []

    def watch(self, heard: Callable[[Change], None]) -> None:
        """Tell of every change at once, before anybody acts on it."""
        self._watchers.append(heard)

    def put(self, key: Key, body: Body) -> bool:
        """Keep a version; False when a newer one, or the deletion, is known already."""
        uid, version = body["metadata"].get("uid", ""), version_of(body)
        if version <= self._tombs.get(uid, -1):
            return False
        old = self._bodies.get(key)
        same = old is not None and old["metadata"].get("uid") == uid
        if old is not None and same and version_of(old) >= version:
            return False
        self._bodies[key] = slim(key.kind, body)
        above = parents(key, body)
        for parent in above:
            self._family.setdefault(parent, set()).add(key)
        self._changed(Change("added" if old is None else "changed", key, above))
        return True

    def drop(self, key: Key, uid: str, version: int) -> None:
        """Forget an object that was gone at this version; a label may bring it back later."""
        self._tombs[uid] = version
        while len(self._tombs) > TOMBS:
            self._tombs.popitem(last=False)
        old = self._bodies.get(key)
        if old is None or old["metadata"].get("uid", "") != uid:
            return
        del self._bodies[key]
        above = parents(key, old)
        for parent in above:
            family = self._family.get(parent, set())
            family.discard(key)
            if not family:
                self._family.pop(parent, None)
        self._changed(Change("gone", key, above))

    def get(self, key: Key) -> Body | None:
        return self._bodies.get(key)

    def children(self, parent: Key) -> Mapping[Key, Body]:
        """Objects whose labels name this formation, mission or namespace."""
        return {key: self._bodies[key] for key in self._family.get(parent, ())}

    def keys(self, kinds: Iterable[Kind]) -> Iterator[Key]:
        wanted = set(kinds)
        return (key for key in tuple(self._bodies) if key.kind in wanted)

    def __len__(self) -> int:
        return len(self._bodies)

    def _changed(self, change: Change) -> None:
        for heard in self._watchers:
            heard(change)


def parents(key: Key, body: Body) -> tuple[Key, ...]:
    """Whose reconcile looks at an object."""
    if key.kind in ("Formation", "Mission"):
        return (Key("Space", key.namespace, ""),) if key.kind == "Mission" else ()
    labels = labels_of(body)
    if labels.get(COMPONENT) == "formation" and FORMATION in labels:
        return (Key("Formation", key.namespace, labels[FORMATION]),)
    if MISSION in labels:
        return (Key("Mission", key.namespace, labels[MISSION]),)
    return (Key("Space", key.namespace, ""),)


def slim(kind: Kind, body: Body) -> Body:
    """The same object without what no decision reads: memory is counted per object."""
    meta: dict[str, Any] = {k: v for k, v in body["metadata"].items() if k != "managedFields"}
    if LAST_APPLIED in (meta.get("annotations") or {}):
        notes = {k: v for k, v in meta["annotations"].items() if k != LAST_APPLIED}
        meta["annotations"] = notes
    small = {**body, "metadata": meta}
    if kind == "Pod":
        return {"metadata": meta, "status": body.get("status") or {}}
    if kind == "Job":
        spec = {"suspend": (body.get("spec") or {}).get("suspend", False)}
        return {"metadata": meta, "spec": spec, "status": body.get("status") or {}}
    if kind == "ConfigMap" and MISSION in (meta.get("labels") or {}):
        data = body.get("data") or {}
        kept = {SITREP: data[SITREP][: SUMMARY + 1]} if SITREP in data else {}
        if found := scores(data.get("sitrep.json", "")):
            kept[SCORES] = found
        return {"metadata": meta, "data": kept}
    return small
