"""What the cluster looks like, as far as it was told: every watched object by its key.

Filled by LISTs before the feed starts, then by events and by the answers to our own writes. It keeps
the newest version of each object, never one that is known to be deleted, and only the fields that
decisions read, packed: a packed object takes a tenth of the memory, and none of the garbage
collector's time.
"""

import sys
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import msgspec

from hekaton_operator.mission.status import SCORES, SITREP, SUMMARY
from hekaton_operator.names import COMPONENT, FORMATION, MISSION
from hekaton_operator.objects import Body, Key, Kind, labels_of, version_of
from hekaton_operator.report import scores

TOMBS = 20_000
"""Deleted objects that are remembered: an answer to a write may come after the deletion."""
TAG = frozenset(("name", "namespace", "uid", "resourceVersion", "labels", "deletionTimestamp"))
"""Metadata that is kept of an object of which there is one or more for each mission."""
CONTAINER = frozenset(("name", "image", "state", "lastState"))
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


@dataclass(frozen=True, slots=True)
class Change:
    """An object that is new, other than before, or gone."""

    what: Literal["added", "changed", "gone"]
    key: Key
    parents: tuple[Key, ...]


class _Held(NamedTuple):
    """A version of an object."""

    uid: str
    version: int
    packed: bytes
    parents: tuple[Key, ...]

    def body(self) -> Body:
        found: Body = msgspec.msgpack.decode(self.packed)
        return found


class Store:
    """Not safe for threads; all of it happens in one event loop. Each `get` makes a new body."""

    def __init__(self) -> None:
        self._held: dict[Key, _Held] = {}
        self._family: dict[Key, tuple[Key, ...]] = {}
        self._turns: Counter[Key] = Counter()
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
        old = self._held.get(key)
        if old is not None and old.uid == uid and old.version >= version:
            return False
        key = Key(key.kind, sys.intern(key.namespace), key.name) if old is None else key
        above = parents(key, body)
        packed = msgspec.msgpack.encode(slim(key.kind, body))
        self._held[key] = _Held(uid, version, packed, above)
        for parent in above:
            family = self._family.get(parent, ())
            if key not in family:
                self._family[parent] = (*family, key)
        self._changed(Change("added" if old is None else "changed", key, above))
        return True

    def drop(self, key: Key, uid: str, version: int) -> None:
        """Forget an object that was gone at this version; a label may bring it back later."""
        self._tombs[uid] = version
        while len(self._tombs) > TOMBS:
            self._tombs.popitem(last=False)
        old = self._held.get(key)
        if old is None or old.uid != uid:
            return
        del self._held[key]
        for parent in old.parents:
            family = tuple(each for each in self._family.get(parent, ()) if each != key)
            if family:
                self._family[parent] = family
            else:
                self._family.pop(parent, None)
        self._changed(Change("gone", key, old.parents))

    def get(self, key: Key) -> Body | None:
        held = self._held.get(key)
        return None if held is None else held.body()

    def has(self, key: Key) -> bool:
        return key in self._held

    def seen(self, key: Key) -> tuple[str, int] | None:
        """UID and resource version that are known of an object."""
        held = self._held.get(key)
        return None if held is None else (held.uid, held.version)

    def turn(self, formation: Key) -> int:
        """A number that changes with the formation and with each of its children."""
        return self._turns[formation]

    def children(self, parent: Key) -> Mapping[Key, Body]:
        """Objects whose labels name this formation, mission or namespace."""
        return {key: self._held[key].body() for key in self._family.get(parent, ())}

    def keys(self, kinds: Iterable[Kind]) -> Iterator[Key]:
        wanted = set(kinds)
        return (key for key in tuple(self._held) if key.kind in wanted)

    def __len__(self) -> int:
        return len(self._held)

    def _changed(self, change: Change) -> None:
        for key in (change.key, *change.parents):
            if key.kind == "Formation":
                self._turns[key] += 1
        for heard in self._watchers:
            heard(change)


def parents(key: Key, body: Body) -> tuple[Key, ...]:
    """Whose reconcile looks at an object."""
    if key.kind in ("Formation", "Mission"):
        return ()
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
    tag = {k: v for k, v in meta.items() if k in TAG}
    if kind == "Pod":
        return {"metadata": tag, "status": _pod(body.get("status") or {})}
    if kind == "ControllerRevision":
        tag["ownerReferences"] = meta.get("ownerReferences") or ()
        return {"metadata": tag, "revision": body.get("revision", 0)}
    if kind == "Job":
        spec = {"suspend": (body.get("spec") or {}).get("suspend", False)}
        ends = (body.get("status") or {}).get("conditions") or ()
        return {"metadata": tag, "spec": spec, "status": {"conditions": ends}}
    if kind == "ConfigMap" and MISSION in (meta.get("labels") or {}):
        data = body.get("data") or {}
        kept = {SITREP: data[SITREP][: SUMMARY + 1]} if SITREP in data else {}
        if found := scores(data.get("sitrep.json", "")):
            kept[SCORES] = found
        return {"metadata": tag, "data": kept}
    return {**body, "metadata": meta}


def _pod(status: Body) -> Body:
    """What a pod waits for, or why its containers ended."""
    return {
        "phase": status.get("phase", ""),
        "conditions": status.get("conditions") or (),
        **{
            kind: [
                {k: v for k, v in each.items() if k in CONTAINER} for each in status.get(kind) or ()
            ]
            for kind in ("initContainerStatuses", "containerStatuses")
        },
    }
