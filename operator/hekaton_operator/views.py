"""From the store, the roster and the database's rows to what a reconcile sees. Reads memory only."""

from collections.abc import Mapping
from typing import Protocol

from hekaton_api.formation import FormationSpec
from hekaton_api.mission import MissionSpec
from hekaton_api.vram.catalog import Catalog
from hekaton_operator import names
from hekaton_operator.conditions import find, read
from hekaton_operator.formation.blueprint import Blueprint, blueprint
from hekaton_operator.formation.view import View as FormationView
from hekaton_operator.mission.shared import Space
from hekaton_operator.mission.view import Team, job_of
from hekaton_operator.mission.view import View as MissionView
from hekaton_operator.objects import Body, Key, labels_of, meta_of
from hekaton_operator.parsing import parsed
from hekaton_operator.pods import pod_of
from hekaton_operator.progress import Progress
from hekaton_operator.roster import Roster
from hekaton_operator.store import Store

Refusal = tuple[str, str]


class Rows(Protocol):
    """Where the rows of missions are known."""

    def row(self, mission: str) -> Progress | None:
        """What is known of a mission's row now; None where there is none yet."""


class Views:
    def __init__(self, store: Store, roster: Roster, rows: Rows, catalog: Catalog) -> None:
        self._store, self._roster, self._rows = store, roster, rows
        self._catalog = catalog
        self._plans: dict[Key, tuple[str, int, Blueprint | tuple[str, ...]]] = {}
        self._teams: dict[Key, tuple[int, Team | None]] = {}

    def formation(
        self, key: Key, now: float, refused: Refusal | None = None
    ) -> FormationView | None:
        """None where there is no such formation."""
        body = self._store.get(key)
        if body is None:
            return None
        family = self._store.children(key)
        status = body.get("status") or {}
        return FormationView(
            meta=meta_of(body),
            plan=self._plan(key, body),
            conditions=read(body),
            current=(status.get("revisions") or {}).get("current", ""),
            children={k: each for k, each in family.items() if k.kind != "Pod"},
            pods=tuple(pod_of(each) for k, each in sorted(family.items()) if k.kind == "Pod"),
            use=self._roster.use(key),
            now=now,
            refused=refused,
        )

    def mission(self, key: Key, now: float, refused: Refusal | None = None) -> MissionView | None:
        """None where there is no such mission."""
        body = self._store.get(key)
        if body is None:
            return None
        meta, spec = meta_of(body), parsed(MissionSpec, body)
        family = self._store.children(key)
        status = body.get("status") or {}
        wanted = (body.get("spec") or {}).get("formation", "")
        team = Key("Formation", key.namespace, wanted)
        jobs = sorted(
            (job_of(each) for k, each in family.items() if k.kind == "Job"),
            key=lambda job: job.attempt,
        )
        attempt = max([status.get("attempt", 0), *(job.attempt for job in jobs)])
        earlier = (self._rows.row(names.attempt_id(meta.uid, number)) for number in range(attempt))
        papers = Key("ConfigMap", key.namespace, names.attempt_name(key.name, meta.uid, attempt))
        report = Key("ConfigMap", key.namespace, names.report_name(key.name))
        newest = next((job for job in reversed(jobs) if job.attempt == attempt), None)
        return MissionView(
            meta=meta,
            spec=spec,
            conditions=read(body),
            status=status,
            team=self._team(team),
            queue=self._roster.queue(key, team, now),
            job=newest,
            former=tuple(job for job in jobs if job.attempt < attempt),
            configured=papers in family,
            row=self._rows.row(names.attempt_id(meta.uid, attempt)),
            earlier=tuple(each for each in earlier if each is not None),
            attempt=attempt,
            pods=tuple(pod_of(each) for k, each in sorted(family.items()) if k.kind == "Pod"),
            report=family.get(report),
            now=now,
            refused=refused,
        )

    def space(self, namespace: str) -> Space:
        missions, git = self._roster.space(namespace)
        return Space(namespace, missions, git, self._store.children(Key("Space", namespace, "")))

    def _plan(self, key: Key, body: Body) -> Blueprint | tuple[str, ...]:
        """Made once a generation: every mission of the formation looks at it."""
        meta = meta_of(body)
        known = self._plans.get(key)
        if known is not None and known[:2] == (meta.uid, meta.generation):
            return known[2]
        spec = parsed(FormationSpec, body)
        plan = spec if isinstance(spec, tuple) else blueprint(meta, spec, self._catalog)
        self._plans[key] = (meta.uid, meta.generation, plan)
        return plan

    def forget(self, key: Key) -> None:
        """A formation is gone."""
        self._plans.pop(key, None)
        self._teams.pop(key, None)

    def _team(self, key: Key) -> Team | None:
        """Made once a change: every mission of the formation looks at it."""
        turn = self._store.turn(key)
        known = self._teams.get(key)
        if known is None or known[0] != turn:
            known = self._teams[key] = turn, self._seen(key)
        return known[1]

    def _seen(self, key: Key) -> Team | None:
        body = self._store.get(key)
        if body is None or "deletionTimestamp" in body["metadata"]:
            return None
        plan, meta = self._plan(key, body), meta_of(body)
        status = body.get("status") or {}
        ready = find(read(body), "Ready")
        seen = status.get("observedGeneration", 0) == meta.generation
        revision = (status.get("revisions") or {}).get("current", "") if seen else ""
        stalled = find(read(body), "Stalled")
        usable = not (stalled and stalled.holds and seen)
        told = f"{ready.claim.reason}: {ready.claim.message}" if ready else "It is being set up."
        family = self._store.children(key)
        return Team(
            name=key.name,
            uid=meta.uid,
            spec=plan.spec if usable and not isinstance(plan, tuple) else None,
            document="" if isinstance(plan, tuple) else plan.document,
            revision=revision,
            replicas=_replicas(key, body, family, revision),
            revisions=tuple(k.name for k in family if k.kind == "StatefulSet"),
            told=told if seen else "A change of it is being carried out.",
        )


def _replicas(key: Key, body: Body, family: Mapping[Key, Body], revision: str) -> tuple[str, ...]:
    """Its ready pods of the revision that takes missions."""
    if not revision:
        return ()
    newest = family.get(Key("StatefulSet", key.namespace, revision))
    if newest is None:
        return ()
    template = (newest.get("status") or {}).get("updateRevision", "")
    mine = (
        pod_of(each)
        for k, each in family.items()
        if k.kind == "Pod" and labels_of(each).get(names.REVISION) == revision
    )
    return tuple(
        sorted(p.name for p in mine if p.ready and not p.deleting and p.template == template)
    )
