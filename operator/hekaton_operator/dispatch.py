"""Whose reconcile a change concerns. The only place that knows who looks at whom."""

from hekaton_operator.mirror import Mirror
from hekaton_operator.names import attempt_id
from hekaton_operator.objects import Body, Key
from hekaton_operator.roster import Line, Roster, line
from hekaton_operator.store import Change, Store
from hekaton_operator.views import Views
from hekaton_operator.workqueue import SOMETIME, WorkQueue

COUNTS = ("activeMissions", "queue", "vramPlan")
UID = 36
"""Characters of a UID: what follows it in a row's id is the attempt."""


class Dispatch:
    def __init__(
        self, store: Store, roster: Roster, queue: WorkQueue, views: Views, mirror: Mirror
    ) -> None:
        self._store, self._roster, self._queue = store, roster, queue
        self._views, self._mirror = views, mirror
        self._missions: dict[str, Key] = {}
        self._uids: dict[Key, str] = {}
        self._faces: dict[Key, int] = {}
        store.watch(self.changed)
        mirror.watch(self.row)

    def changed(self, change: Change) -> None:
        """An object is new, other, or gone."""
        key = change.key
        match key.kind:
            case "Mission":
                self._mission(change)
            case "Formation":
                self._formation(change)
            case _:
                for parent in change.parents:
                    if key.kind == "Job" and parent.kind == "Mission":
                        before = self._roster.get(parent)
                        self._enroll(parent)
                        self._moved(before, self._roster.get(parent))
                    self._queue.add(parent)

    def row(self, mission: str) -> None:
        """The database says something new about a mission."""
        key = self._missions.get(mission[:UID])
        if key is not None:
            self._queue.add(key)

    def everything(self) -> None:
        """Look at all again, when nothing else is to do."""
        spaces = set()
        for key in self._store.keys(("Formation", "Mission")):
            self._queue.add(key, SOMETIME)
            spaces.add(key.namespace)
        for namespace in spaces:
            self._queue.add(Key("Space", namespace, ""), SOMETIME)

    def rows(self) -> tuple[str, ...]:
        """Ids of the rows that the missions may have."""
        found = []
        for uid, key in self._missions.items():
            body = self._store.get(key) or {}
            attempt = (body.get("status") or {}).get("attempt", 0)
            found += [attempt_id(uid, number) for number in range(attempt + 1)]
        return tuple(found)

    def _mission(self, change: Change) -> None:
        key = change.key
        before = self._roster.get(key)
        body = self._store.get(key)
        if body is None:
            self._roster.drop(key)
            self._known(key, "")
        else:
            self._known(key, body["metadata"].get("uid", ""))
            self._enroll(key)
        after = self._roster.get(key)
        self._queue.add(key)
        for each in (before, after):
            if each is not None:
                self._queue.add(each.formation)
        self._moved(before, after)
        if change.what != "changed":
            self._queue.add(Key("Space", key.namespace, ""))

    def _moved(self, before: Line | None, after: Line | None) -> None:
        """Wake those whose place in the queue, or chance of one in the formation, is another now."""
        concerned: tuple[Key, ...] = ()
        if before is not None and before.state != (after.state if after else "ended"):
            concerned += self._roster.freed(before.formation)
        if after is not None and after.waits and (before is None or before.rank != after.rank):
            rank = min(after.rank, before.rank) if before is not None else after.rank
            concerned += self._roster.behind(after.formation, rank)
        for waiting in concerned:
            self._queue.add(waiting)

    def _known(self, key: Key, uid: str) -> None:
        """Which mission has this name now, if any."""
        old = self._uids.get(key, "")
        if old == uid:
            return
        if old:
            del self._missions[old], self._uids[key]
            self._mirror.forget(old)
        if uid:
            self._missions[uid], self._uids[key] = key, uid

    def _formation(self, change: Change) -> None:
        """Its missions look at it only when something of it changed that they can see."""
        self._queue.add(change.key)
        if change.what == "gone":
            self._views.forget(change.key)
        face = _face(self._store.get(change.key))
        if self._faces.get(change.key) != face:
            for mission in self._roster.stirred(change.key):
                self._queue.add(mission)
        self._faces[change.key] = face
        if change.what == "gone":
            del self._faces[change.key]

    def _enroll(self, key: Key) -> None:
        body = self._store.get(key)
        if body is not None:
            family = self._store.children(key)
            jobs = [each for k, each in family.items() if k.kind == "Job"]
            self._roster.put(line(key, body, jobs))


def _face(formation: Body | None) -> int:
    """A digest of what missions see of a formation: not how many they are."""
    if formation is None:
        return 0
    meta, status = formation["metadata"], formation.get("status") or {}
    seen = {name: value for name, value in status.items() if name not in COUNTS}
    return hash((meta.get("uid"), meta.get("generation"), "deletionTimestamp" in meta, repr(seen)))
