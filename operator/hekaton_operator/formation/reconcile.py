"""One step from a formation as it is to a formation as it shall be. Pure: decides, never writes."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from hekaton_api.formation import FormationSpec
from hekaton_operator import names
from hekaton_operator.actions import Action, Apply, Delete, Outcome, Tell
from hekaton_operator.conditions import Claim, find, merged, written
from hekaton_operator.formation import children, keys
from hekaton_operator.formation.blueprint import Blueprint
from hekaton_operator.formation.claims import Fault, stalled, working
from hekaton_operator.formation.history import history
from hekaton_operator.formation.memory import Memory
from hekaton_operator.formation.pod import Team
from hekaton_operator.formation.swap import Swap, swap
from hekaton_operator.formation.view import View, ready_pods, serving_pods, sets
from hekaton_operator.manifest import Manifest, met
from hekaton_operator.objects import Key
from hekaton_operator.settings import Images
from hekaton_operator.times import stamp

GROWTH = 1024
"""Most characters of the selector in the status."""


@dataclass(frozen=True, slots=True)
class Means:
    """What the decision is made with, beside what it sees."""

    images: Images
    mints: keys.Mints


def decide(view: View, means: Means) -> Outcome:
    """What to do now. After its actions are done, deciding again gives none."""
    if view.meta.deleting:
        return Outcome()
    if isinstance(view.plan, tuple):
        return _hold(view, Fault("SpecInvalid", " ".join(view.plan)), None)
    plan = view.plan
    if fault := _fault(view, plan):
        return _hold(view, fault, plan.memory)
    spec, wanted = plan.spec, plan.revision
    course = swap(view, spec, wanted)
    actions = tuple(_actions(view, plan, means, course))
    changes = any(isinstance(a, Apply) and a.manifest.key.kind == "StatefulSet" for a in actions)
    claims = working(view, spec, wanted, course, plan.memory.claim, changes)
    status = _status(view, spec, claims, plan.memory, wanted, course)
    again = None if course.until is None else max(1.0, course.until - view.now)
    return _told(view, Outcome(actions, status, again), claims)


def _fault(view: View, plan: Blueprint) -> Fault | None:
    """Why this spec is not carried out."""
    if view.refused:
        return Fault(*view.refused)
    spec, claim = plan.spec, plan.memory.claim
    if not plan.memory.fits:
        return Fault(claim.reason, claim.message)
    by_env = [m.name for m in spec.models if m.credentials and m.credentials.secret_key_ref is None]
    if by_env:
        return Fault(
            "CredentialsNotInSecret",
            f"spec.models: {', '.join(by_env)} take a key from an environment variable, which a pod"
            " does not have. Put the key into a Secret and name it in credentials.secretKeyRef.",
        )
    taken = [role.name for role in spec.roles if role.name in (keys.BROKER, keys.CONDUCTOR)]
    if taken:
        return Fault(
            "RoleNameTaken",
            f"spec.roles: {', '.join(taken)} is a name of Hekaton's own parts. Choose another.",
        )
    return None


def _hold(view: View, fault: Fault, planned: Memory | None) -> Outcome:
    """Leave what runs alone, make nothing, and say why."""
    serving = any(serving_pods(view, each.name) for each in sets(view))
    claims = stalled(fault, planned.claim if planned else None, serving)
    status = _status(view, None, claims, planned, "", None)
    return _told(view, Outcome((), status), claims)


def _actions(view: View, plan: Blueprint, means: Means, course: Swap) -> Iterator[Action]:
    meta, spec, wanted = view.meta, plan.spec, plan.revision
    space = meta.namespace
    bus = view.children.get(Key("Secret", space, names.bus_secret(meta.name)))
    permits = view.children.get(Key("Secret", space, names.permits_secret(meta.name)))
    there = keys.Observed(bus, permits, hold=bool(course.stays))
    secrets = keys.planned(meta, spec, there, means.mints)
    yield from _missing(view, secrets.bus, secrets.permits, *children.fixed(meta, spec))
    yield from history(view, plan)
    for old in course.goes:
        yield Delete(Key("StatefulSet", space, old.name), old.uid)
    if course.starts:
        team = Team(meta.name, wanted, spec, means.images, secrets.digest)
        yield from _missing(
            view,
            children.config_map(meta, wanted, plan.document),
            *children.claim_templates(meta, team),
            children.stateful_set(meta, team, spec.replicas),
        )
    yield from _leftover(view, {wanted, *(each.name for each in (*course.goes, *course.stays))})


def _missing(view: View, *wanted: Manifest) -> Iterator[Action]:
    for each in wanted:
        if not met(view.children.get(each.key), each):
            yield Apply(each)


def _leftover(view: View, revisions: set[str]) -> Iterator[Action]:
    """ConfigMaps and claim templates of revisions that are gone."""
    for key, body in sorted(view.children.items()):
        labels = body["metadata"].get("labels") or {}
        mine = (
            key.kind in ("ConfigMap", "ResourceClaimTemplate")
            and labels.get(names.COMPONENT) == "formation"
        )
        if mine and key.name not in revisions and "deletionTimestamp" not in body["metadata"]:
            yield Delete(key, body["metadata"].get("uid", ""))


def _status(
    view: View,
    spec: FormationSpec | None,
    claims: tuple[Claim, ...],
    planned: Memory | None,
    wanted: str,
    course: Swap | None,
) -> dict[str, Any]:
    meta = view.meta
    conditions = merged(claims, view.conditions, meta.generation, stamp(view.now))
    holder = course.current if course else view.current
    there = [pod for pod in view.pods if not pod.deleting]
    revisions = {"current": holder} if holder else {}
    done = spec is not None and len(ready_pods(view, wanted)) >= spec.replicas
    if wanted and (wanted != holder or not done):
        revisions["updating"] = wanted
    status: dict[str, Any] = {
        "observedGeneration": meta.generation,
        "replicas": len(there),
        "ready": len(ready_pods(view, holder)),
        "selector": children.selector(meta)[:GROWTH],
        "activeMissions": view.use.active,
        "queue": view.use.queued,
        "revisions": revisions,
        "conditions": written(conditions),
    }
    return {**status, "vramPlan": planned.status} if planned else status


def _told(view: View, outcome: Outcome, claims: tuple[Claim, ...]) -> Outcome:
    """Add an Event when Ready changes its reason: what is wrong, or that it is well again."""
    now = next(claim for claim in claims if claim.type == "Ready")
    before = find(view.conditions, "Ready")
    quiet = ("PodsNotReady", "Updating", "AtRest")
    if (before is not None and before.claim.reason == now.reason) or now.reason in quiet:
        return outcome
    meta = view.meta
    key = Key("Formation", meta.namespace, meta.name)
    kind = "Normal" if now.status == "True" else "Warning"
    event = Tell(
        key, meta.uid, "Normal" if kind == "Normal" else "Warning", now.reason, now.message
    )
    return replace(outcome, actions=(*outcome.actions, event))
