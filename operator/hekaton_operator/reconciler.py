"""The shell around the pure decisions: look, decide, do, remember the answers.

Nothing is decided here. A write that the server refuses for good becomes a condition, by deciding
again with the refusal in view; every other trouble goes back to the queue.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, assert_never

from hekaton_operator.actions import (
    Action,
    Apply,
    Delete,
    Enlist,
    Halt,
    Merge,
    Outcome,
    Publish,
    Tell,
)
from hekaton_operator.conditions import Claim, merged, read, written
from hekaton_operator.errors import Away, Gone, Refused, Stale
from hekaton_operator.events import Events
from hekaton_operator.formation import reconcile as formations
from hekaton_operator.mission import reconcile as missions
from hekaton_operator.mission import shared
from hekaton_operator.objects import Key, key_of, meta_of, version_of
from hekaton_operator.pacing import Pacing
from hekaton_operator.progress import Paper
from hekaton_operator.report import filled
from hekaton_operator.roster import Roster
from hekaton_operator.settings import Settings
from hekaton_operator.store import Store
from hekaton_operator.tenancy import Tenancy, Tenant
from hekaton_operator.times import stamp
from hekaton_operator.views import Refusal, Views
from hekaton_operator.writer import Writer

log = logging.getLogger(__name__)
SELDOM = 60.0
"""Seconds after which a refused write is tried again though nothing changed."""
OURS = ("Formation", "Mission")


class Archive(Protocol):
    """The database, as far as it is asked to do something. Raises `Away`."""

    async def halt(self, mission: str, reason: str) -> None:
        """Have a mission stopped for good."""

    async def papers(self, mission: str) -> tuple[Paper, ...]:
        """What a mission left."""

    async def enlist(self, tenant: Tenant) -> None:
        """Make sure of a namespace's role; raises `Refused` where the server will not have it."""


@dataclass(frozen=True, slots=True)
class Hands:
    """Everything that a reconcile acts with."""

    writer: Writer
    archive: Archive
    events: Events
    means: formations.Means
    settings: Settings
    tenancy: Tenancy | None
    """Roles of the namespaces; None where all share the operator's."""


class Reconciler:
    def __init__(
        self, store: Store, roster: Roster, views: Views, hands: Hands,
        now: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self._store, self._roster, self._views = store, roster, views
        self._hands, self._now = hands, now
        self._pacing = Pacing()

    async def reconcile(self, key: Key) -> float | None:
        """One step for one key; the seconds after which to look again, if at all.

        Raises `Away` and `Stale` when it must be tried again.
        """
        outcome = self._decide(key)
        if not self._store.has(key):
            self._pacing.forget(key)
        promised = self._promise(key, outcome)
        again = outcome.again
        try:
            await self._do(outcome)
        except Refused as refusal:
            log.warning("%s: %s", key, refusal, extra={"reason": refusal.reason})
            outcome = self._decide(key, (refusal.reason, refusal.message))
            again = SELDOM
            await self._do(outcome)
        finally:
            if promised:
                self._roster.settle(key)
        if outcome.status is not None:
            again = await self._tell(key, outcome.status, again)
        return again

    def _decide(self, key: Key, refused: Refusal | None = None) -> Outcome:
        now, hands = self._now(), self._hands
        match key.kind:
            case "Formation":
                team = self._views.formation(key, now, refused)
                return formations.decide(team, hands.means) if team else Outcome()
            case "Mission":
                work = self._views.mission(key, now, refused)
                tenant = self._tenant(key)
                return missions.decide(work, hands.settings.images, tenant) if work else Outcome()
            case "Space":
                space = self._views.space(key.namespace)
                found = shared.decide(
                    space, hands.settings.server, hands.settings.namespace, self._tenant(key)
                )
                return Outcome() if refused else found
            case _:
                raise AssertionError(f"nobody reconciles {key}")

    def _tenant(self, key: Key) -> Tenant | None:
        return self._hands.tenancy.tenant(key.namespace) if self._hands.tenancy else None

    def _promise(self, key: Key, outcome: Outcome) -> bool:
        body = self._store.get(key)
        if not outcome.admits or body is None:
            return False
        formation = Key("Formation", key.namespace, body["spec"]["formation"])
        self._roster.promise(key, formation, outcome.admits)
        return True

    async def _do(self, outcome: Outcome) -> None:
        for action in outcome.actions:
            await self._perform(action)

    async def _perform(self, action: Action) -> None:
        writer = self._hands.writer
        match action:
            case Apply(manifest):
                known = self._store.has(manifest.key)
                self._store.put(manifest.key, await writer.apply(manifest, guarded=not known))
            case Merge(key, change):
                self._store.put(key, await writer.merge(key, change))
            case Delete(key, uid, grace):
                await writer.delete(key, uid, grace)
            case Enlist(tenant, waits):
                try:
                    await self._hands.archive.enlist(tenant)
                except Away:
                    if waits:
                        raise
            case Halt(mission, reason):
                await self._hands.archive.halt(mission, reason)
            case Publish(mission, empty):
                papers = await self._hands.archive.papers(mission)
                body = await writer.apply(filled(empty, papers), guarded=True)
                self._store.put(empty.key, body)
            case Tell():
                await self._say(action)
            case _:
                assert_never(action)

    async def _say(self, tell: Tell) -> None:
        """An Event is a courtesy: that one cannot be written stops nothing."""
        event = self._hands.events.event(tell, self._now())
        if event is None:
            return
        try:
            await self._hands.writer.apply(event, guarded=False)
        except (Refused, Gone, Away, Stale) as fault:
            self._hands.events.unsaid(tell)
            log.info("event about %s not written: %s", tell.about, fault)

    async def _tell(self, key: Key, status: Mapping[str, Any], again: float | None) -> float | None:
        """Write the status, if it is news."""
        observed = self._store.get(key)
        before = (observed or {}).get("status") or {}
        if observed is None or same(before, status):
            return again
        now = self._now()
        if wait := self._pacing.wait(key, before, status, now):
            return wait if again is None else min(wait, again)
        try:
            body = await self._hands.writer.apply_status(key, status)
        except Gone:  # its watch has not told yet, and may never
            meta = observed["metadata"]
            self._store.drop(key, meta.get("uid", ""), version_of(observed))
            return None
        except Refused as refusal:
            log.error("%s: status refused: %s", key, refusal)
            await self._outdated(key, refusal)
            return SELDOM
        self._pacing.told(key, before, status, now)
        self._store.put(key_of(key.kind, body), body)
        return again

    async def _outdated(self, key: Key, refusal: Refused) -> None:
        """An older CRD lacks a field of ours: say so in the fields that every version has."""
        observed = self._store.get(key)
        if observed is None:
            return
        kind = "Ready" if key.kind == "Formation" else "Running"
        text = f"{refusal.message} Upgrade the CRDs to this operator's version (crds/*.yaml)."
        claim = Claim(kind, "False", "StatusRefused", text)
        conditions = merged(
            (claim,), read(observed), meta_of(observed).generation, stamp(self._now())
        )
        old = (observed.get("status") or {}).get("conditions") or []
        small = {"conditions": written(conditions)}
        if any(each in old for each in small["conditions"]):
            return
        try:
            body = await self._hands.writer.apply_status(key, small)
        except (Refused, Gone) as fault:
            log.error("%s: not even the conditions can be written: %s", key, fault)
            return
        self._store.put(key, body)


def same(observed: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether two statuses say the same; the order of conditions is the server's."""
    return _sorted(observed) == _sorted(wanted)


def _sorted(status: Mapping[str, Any]) -> Mapping[str, Any]:
    conditions = sorted(status.get("conditions") or (), key=lambda each: str(each["type"]))
    return {**status, "conditions": conditions}
