"""A cluster in memory for the operator's tests: an API server without a network, its controllers, and time.

It keeps what a real one would: resource versions, generations, ownership, deletion of what is owned.
Events reach the operator's store only when a test delivers them, in any order between objects.
"""

import asyncio
import copy
import hashlib
import json
import random
from collections.abc import Mapping
from typing import Any

from hekaton_api.vram.catalog import shipped
from hekaton_operator.curve import Pair
from hekaton_operator.dispatch import Dispatch
from hekaton_operator.errors import Gone, OperatorError, Refused
from hekaton_operator.events import Events
from hekaton_operator.formation.keys import Mints
from hekaton_operator.formation.reconcile import Means
from hekaton_operator.manifest import Manifest
from hekaton_operator.mirror import Mirror
from hekaton_operator.names import FORMATION, MISSION, REVISION
from hekaton_operator.objects import Body, Key, sort_of
from hekaton_operator.pods import UPDATE_HASH
from hekaton_operator.progress import Paper, Progress
from hekaton_operator.reconciler import Hands, Reconciler
from hekaton_operator.roster import Roster
from hekaton_operator.settings import Images, Server, Settings
from hekaton_operator.store import Store
from hekaton_operator.tenancy import Tenancy, Tenant
from hekaton_operator.times import stamp
from hekaton_operator.views import Views
from hekaton_operator.workqueue import WorkQueue

SERVER = Server("hekaton-postgres", password="p")
IMAGES = Images("runtime:1", "engines:1", "workspace:1")
TENANCY = Tenancy("hekaton", b"key")
SETTINGS = Settings("hekaton-system", "op-1", "", IMAGES, SERVER)
SPACE = "team"


class World:
    """Implements `Writer`, `Archive` and `Rows`."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.objects: dict[Key, dict[str, Any]] = {}
        self.rows: dict[str, Progress] = {}
        self.writes: list[tuple[str, Key]] = []
        self.halted: list[str] = []
        self.enlisted: list[Tenant] = []
        self.no_roles: OperatorError | None = None
        """What the database says when it is asked for a role."""
        self.refusals: dict[Key, Refused] = {}
        self.tenancy: Tenancy | None = TENANCY
        self.slow = False
        """Whether other tasks run while a write is under way."""
        self._version = 100
        self._pending: list[tuple[str, Key, dict[str, Any]]] = []
        self._pairs = 0
        self.restart()

    def restart(self) -> None:
        """An operator that has just begun: it knows what it lists, and nothing else."""
        self.store, self.roster = Store(), Roster()
        self.queue = WorkQueue(lambda: self.now)
        self.views = Views(self.store, self.roster, self, shipped())
        mirror = Mirror(SERVER)
        self.dispatch = Dispatch(self.store, self.roster, self.queue, self.views, mirror)
        means = Means(IMAGES, Mints(self._mint, lambda: "permit"))
        hands = Hands(self, self, Events("op-1"), means, SETTINGS, self.tenancy)
        self.reconciler = Reconciler(
            self.store, self.roster, self.views, hands, now=lambda: self.now
        )
        self.due: dict[Key, float] = {}
        for key, body in self.objects.items():  # as a LIST has them: nothing says its type
            item = {k: v for k, v in body.items() if k not in ("apiVersion", "kind")}
            self.store.put(key, copy.deepcopy(item))

    # What users and controllers do.

    def user(self, body: Mapping[str, Any]) -> Key:
        """Apply an object of ours, as kubectl does."""
        meta = body["metadata"]
        key = Key(body["kind"], meta["namespace"], meta["name"])
        old = self.objects.get(key)
        new: dict[str, Any] = copy.deepcopy(dict(body))
        if old is None:
            new["metadata"] |= self._fresh() | {"generation": 1}
        else:
            changed = old["spec"] != new["spec"]
            new["metadata"] = {**old["metadata"], **new["metadata"]}
            new["metadata"]["generation"] = old["metadata"]["generation"] + int(changed)
            new["status"] = old.get("status", {})
        self._keep(key, new)
        return key

    def remove(self, key: Key) -> None:
        """Delete an object, and all that it owns."""
        body = self.objects.pop(key, None)
        if body is None:
            return
        self._version += 1
        last = copy.deepcopy(body)
        last["metadata"]["resourceVersion"] = str(self._version)
        self._pending.append(("DELETED", key, last))
        uid = body["metadata"]["uid"]
        for child in [k for k, each in self.objects.items() if _owned(each, uid)]:
            self.remove(child)

    def controllers(self) -> None:
        """Let StatefulSets and Jobs have the pods that they want."""
        for key, body in list(self.objects.items()):
            if key.kind == "StatefulSet":
                self._stateful_set(key, body)
            if key.kind == "Job":
                self._job(key, body)

    def pods(self, label: str, value: str) -> list[Key]:
        return sorted(
            key
            for key, body in self.objects.items()
            if key.kind == "Pod" and body["metadata"]["labels"].get(label) == value
        )

    def pod_ready(self, key: Key, ready: bool = True) -> None:
        status = {"type": "Ready", "status": "True" if ready else "False"}
        self.pod_status(key, {"phase": "Running", "conditions": [status]})

    def pod_status(self, key: Key, status: Mapping[str, Any]) -> None:
        if key in self.objects:
            self._keep(key, {**self.objects[key], "status": dict(status)})

    def row_is(self, row: Progress) -> None:
        """The database says so."""
        self.rows[row.id] = row
        self.dispatch.row(row.id)

    # What the operator sees and does.

    def deliver(self, dice: random.Random | None = None) -> None:
        """Bring all events; with dice those of different objects in any order."""
        pending, self._pending = self._pending, []
        if dice:
            order = {key: dice.random() for _, key, _ in pending}
            pending.sort(key=lambda event: order[event[1]])
        for what, key, body in pending:
            if what == "DELETED":
                meta = body["metadata"]
                self.store.drop(key, meta["uid"], int(meta["resourceVersion"]))
            else:
                self.store.put(key, body)

    async def step(self) -> bool:
        """One reconcile of one key; False when none waits."""
        if not self.queue.depth:
            return False
        key, _ = await self.queue.take()
        again = await self.reconciler.reconcile(key)
        self.queue.done(key)
        if again is not None:
            self.due[key] = min(self.due.get(key, self.now + again), self.now + again)
        return True

    async def settle(self, most: int = 2000, until: float = 20.0) -> None:
        """Until nothing is left to do; the clock goes on, so far, where something waits for it."""
        for _ in range(most):
            self.deliver()
            self.controllers()
            self.deliver()
            if await self.step():
                continue
            soon = {key: at for key, at in self.due.items() if at < self.now + until}
            if not soon:
                return
            self.now = max(self.now, min(soon.values()))
            for key in [k for k, at in soon.items() if at <= self.now]:
                del self.due[key]
                self.queue.add(key)
        raise AssertionError(f"still busy after {most} steps: {self.writes[-8:]}")

    def status(self, key: Key) -> dict[str, Any]:
        found: dict[str, Any] = self.objects[key].get("status", {})
        return found

    def condition(self, key: Key, kind: str) -> dict[str, Any]:
        return next((c for c in self.status(key).get("conditions", []) if c["type"] == kind), {})

    def row(self, mission: str) -> Progress | None:
        return self.rows.get(mission)

    async def halt(self, mission: str, reason: str) -> None:
        self.halted.append(mission)

    async def enlist(self, tenant: Tenant) -> None:
        if self.no_roles:
            raise self.no_roles
        self.enlisted.append(tenant)

    async def papers(self, mission: str) -> tuple[Paper, ...]:
        return (Paper("SITREP.md", b"# SITREP\nDone.\n"), Paper("artifact.bundle", b"\xff\x00"))

    async def apply(self, manifest: Manifest, guarded: bool) -> Body:
        key = manifest.key
        if self.slow:
            await asyncio.sleep(0)
        if key in self.refusals:
            raise self.refusals[key]
        self.writes.append(("apply", key))
        if key.kind == "Event":
            return manifest.body
        old = self.objects.get(key)
        new: dict[str, Any] = copy.deepcopy(dict(manifest.body))
        if old is None:
            new["metadata"] |= self._fresh() | {"generation": 1}
        else:
            changed = old.get("spec") != new.get("spec")
            new["metadata"] = {**old["metadata"], **new["metadata"]}
            new["metadata"]["generation"] = old["metadata"].get("generation", 1) + int(changed)
            new["status"] = old.get("status", {})
        return self._keep(key, new)

    async def apply_status(self, key: Key, status: Mapping[str, Any]) -> Body:
        if key not in self.objects:
            raise Gone(str(key))
        self.writes.append(("status", key))
        return self._keep(key, {**self.objects[key], "status": copy.deepcopy(dict(status))})

    async def merge(self, key: Key, change: Mapping[str, Any]) -> Body:
        if key not in self.objects:
            raise Gone(str(key))
        self.writes.append(("merge", key))
        old = self.objects[key]
        return self._keep(key, {**old, "spec": {**old["spec"], **change["spec"]}})

    async def delete(self, key: Key, uid: str, grace: int | None) -> None:
        self.writes.append(("delete", key))
        if key in self.objects and self.objects[key]["metadata"]["uid"] == uid:
            self.remove(key)

    def _mint(self) -> Pair:
        self._pairs += 1
        return Pair(f"public-{self._pairs}", f"secret-{self._pairs}")

    def _fresh(self) -> dict[str, Any]:
        self._version += 1
        return {
            "uid": f"{self._version:08x}-{self._version:027d}",
            "creationTimestamp": stamp(self.now),
        }

    def _keep(self, key: Key, body: dict[str, Any]) -> dict[str, Any]:
        self._version += 1
        meta = {**body["metadata"], "resourceVersion": str(self._version)}
        new = {**body, "metadata": meta}
        self.objects[key] = new
        self._pending.append(("MODIFIED", key, copy.deepcopy(new)))
        return copy.deepcopy(new)

    def _stateful_set(self, key: Key, body: dict[str, Any]) -> None:
        template = body["spec"]["template"]
        text = json.dumps(template, sort_keys=True).encode()
        digest = f"{key.name}-{hashlib.sha256(text).hexdigest()[:8]}"
        generation = body["metadata"]["generation"]
        status = {"observedGeneration": generation, "updateRevision": digest}
        if body.get("status") != status:
            self._keep(key, {**body, "status": status})
        wanted = {f"{key.name}-{i}" for i in range(body["spec"]["replicas"])}
        for pod in self.pods(REVISION, key.name):
            old = self.objects[pod]["metadata"]["labels"][UPDATE_HASH] != digest
            if pod.name not in wanted or old:
                self.remove(pod)
        for name in sorted(wanted):
            pod = Key("Pod", key.namespace, name)
            if pod not in self.objects:
                labels = {**template["metadata"]["labels"], UPDATE_HASH: digest}
                self._pod(pod, labels, body)

    def _job(self, key: Key, body: dict[str, Any]) -> None:
        pod = Key("Pod", key.namespace, f"{key.name}-x")
        wanted = not body["spec"].get("suspend") and not body.get("status")
        if wanted and pod not in self.objects:
            self._pod(pod, dict(body["metadata"]["labels"]), body)
        if not wanted and pod in self.objects:
            self.remove(pod)

    def _pod(self, key: Key, labels: dict[str, str], owner: dict[str, Any]) -> None:
        uid = owner["metadata"]["uid"]
        meta = {
            "name": key.name,
            "namespace": key.namespace,
            "labels": labels,
            "ownerReferences": [{"uid": uid, "controller": True}],
        }
        self._keep(key, {"metadata": meta | self._fresh(), "status": {"phase": "Pending"}})


def _owned(body: Mapping[str, Any], uid: str) -> bool:
    return any(each["uid"] == uid for each in body["metadata"].get("ownerReferences", ()))


def formation(name: str = "crew", **spec: Any) -> dict[str, Any]:
    """A small team on an external endpoint."""
    usual: dict[str, Any] = {
        "models": [{"name": "m", "engine": "external", "endpoint": "http://models:8000/v1"}],
        "roles": [
            {"name": "sapper", "role": "sapper", "model": "m"},
            {"name": "auditor", "role": "auditor", "model": "m"},
        ],
    }
    return _object("Formation", name, usual | spec)


def mission(name: str = "job", formation: str = "crew", **spec: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "goal": "Make it pass.",
        "formation": formation,
        "workspace": {"files": []},
        "acceptance": {"commands": ["true"]},
        "budget": {"tokens": 1000, "usd": 1},
    }
    return _object("Mission", name, usual | spec)


def _object(kind: Any, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": sort_of(kind).api_version,
        "kind": kind,
        "metadata": {"name": name, "namespace": SPACE},
        "spec": spec,
    }


def crew_pods(world: World, name: str = "crew") -> list[Key]:
    """Pods of a formation, without those of its missions."""
    return [key for key in world.pods(FORMATION, name) if MISSION not in _labels(world, key)]


def _labels(world: World, key: Key) -> dict[str, str]:
    found: dict[str, str] = world.objects[key]["metadata"]["labels"]
    return found
