"""One step from a mission as it is to a mission as it shall be. Pure: decides, never writes."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, assert_never

from hekaton_api.mission import MissionSpec
from hekaton_operator.actions import Action, Apply, Delete, Enlist, Merge, Outcome, Publish
from hekaton_operator.conditions import Claim, find, holds, merged, truth, written
from hekaton_operator.mission import children
from hekaton_operator.mission.admission import Held, Place, admission, free_replica
from hekaton_operator.mission.cancel import cancel, cancelled
from hekaton_operator.mission.children import Attempt
from hekaton_operator.mission.ending import Ended, Resumed, Retried, ending
from hekaton_operator.mission.status import status
from hekaton_operator.mission.telling import told
from hekaton_operator.mission.view import ENDS, Team, View
from hekaton_operator.objects import Key
from hekaton_operator.pods import trouble
from hekaton_operator.settings import Images
from hekaton_operator.tenancy import Tenant
from hekaton_operator.times import instant, stamp


@dataclass(frozen=True, slots=True)
class _Case:
    """A mission whose spec can be read."""

    view: View
    spec: MissionSpec
    images: Images
    tenant: Tenant | None

    def attempt(self, number: int) -> Attempt:
        return Attempt(self.view.meta, self.spec, self.spec.formation, number, self.images)


def decide(view: View, images: Images, tenant: Tenant | None) -> Outcome:
    """What to do now. After its actions are done, deciding again gives none.

    `tenant` is the namespace's role in the database; None where all share the operator's.
    """
    if view.meta.deleting:
        return Outcome()
    if isinstance(view.spec, tuple):
        claims = (
            Claim("Admitted", "False", "SpecInvalid", " ".join(view.spec)),
            Claim("Running", "False", "SpecInvalid", "It never began."),
        )
        return told(view, Outcome(status=status(view, claims)), claims)
    case = _Case(view, view.spec, images, tenant)
    if any(holds(view.conditions, kind) for kind in ENDS):
        return _after(case)
    if view.refused:
        return _refused(case, *view.refused)
    found = ending(view, view.spec)
    if view.spec.cancel and not (isinstance(found, Ended) and found.kind != "Cancelled"):
        return cancel(view) or _end(case, found if isinstance(found, Ended) else cancelled(view))
    if isinstance(found, Ended):
        return _end(case, found)
    if isinstance(found, Resumed):
        return _resume(case, found)
    if isinstance(found, Retried):
        return _run(case, found.attempt)
    if view.spec.suspend:
        return _suspend(case)
    return _go_on(case)


def _go_on(case: _Case) -> Outcome:
    job = case.view.job
    if holds(case.view.conditions, "Admitted") or (job and not job.suspended):
        return _run(case, case.view.attempt)
    verdict = admission(case.view, case.spec)
    match verdict:
        case Held(reason, message, position):
            return _hold(case, reason, message, position)
        case Place(replica):
            return replace(_run(case, case.view.attempt), admits=replica)
        case _:
            assert_never(verdict)


def _hold(case: _Case, reason: str, message: str, position: int | None) -> Outcome:
    claims = (
        Claim("Admitted", "False", reason, message),
        Claim("Running", "False", reason, "It waits: see Admitted."),
    )
    found = status(case.view, claims, position=position)
    # A day's budget comes back at midnight, and nothing else tells of it.
    again = 300.0 if reason == "BudgetExceeded" else None
    return told(case.view, Outcome(status=found, again=again), claims)


def _suspend(case: _Case) -> Outcome:
    job = case.view.job
    stops = job is not None and not job.suspended and not job.finished and not job.deleting
    key = Key("Job", case.view.meta.namespace, job.name) if job else None
    actions = (Merge(key, {"spec": {"suspend": True}}),) if stops and key else ()
    text = "spec.suspend is true: set it to false to go on."
    claims = (
        Claim("Admitted", "False", "Suspended", text),
        Claim("Running", "False", "Suspended", "What was done is kept." if job else "Not begun."),
    )
    return told(case.view, Outcome(actions, status(case.view, claims)), claims)


def _run(case: _Case, number: int) -> Outcome:
    """Admitted: its ConfigMap and Job shall be there, and on a replica that exists."""
    view, team = case.view, case.view.team
    job = view.job if number == view.attempt else None
    actions = tuple(_enlisted(case, tuple(_work(case, number))))
    claims = (
        Claim("Admitted", "True", "Admitted", f"Formation {case.spec.formation!r} works on it."),
        _running(case, waiting=job is None and not actions),
    )
    found = status(view, claims, revision=_revision(case, team))
    if number:
        found["attempt"] = number
    again = 5.0 if job is not None and job.deleting else None
    return told(view, Outcome(actions, found, again), claims)


def _enlisted(case: _Case, work: tuple[Action, ...]) -> Iterator[Action]:
    """Nothing is made for a namespace that the database refuses; one that is away pods wait for."""
    if case.tenant and any(isinstance(each, Apply) for each in work):
        yield Enlist(case.tenant, waits=False)
    yield from work


def _work(case: _Case, number: int) -> Iterator[Action]:
    view, team, attempt = case.view, case.view.team, case.attempt(number)
    job = view.job if number == view.attempt else None
    configured = view.configured and number == view.attempt
    space = view.meta.namespace
    formation = team.spec if team else None
    if not configured and team is not None and formation is not None:
        left = children.remaining(
            case.spec.budget, view.spent if number > view.attempt else _before(view)
        )
        yield Apply(children.config_map(attempt, team.document, left or case.spec.budget))
    if job is not None:
        if _homeless(case) and not job.deleting and not job.finished:
            yield Delete(Key("Job", space, job.name), job.uid)
        elif job.suspended and not job.deleting:
            yield Merge(Key("Job", space, job.name), {"spec": {"suspend": False}})
        return
    replica = free_replica(team, view.queue) if team else None
    if team is not None and formation is not None and replica:
        yield Apply(children.job(attempt, formation, replica))


def _before(view: View) -> tuple[int, int]:
    """What the attempts before the newest spent."""
    rows = view.earlier
    return sum(r.spent_tokens for r in rows), sum(r.spent_micros for r in rows)


def _homeless(case: _Case) -> bool:
    """Whether the revision that its replica belonged to is gone."""
    job, team = case.view.job, case.view.team
    if job is None or team is None or not team.revision:
        return False
    mine = job.replica.rpartition("-")[0]
    return mine != team.revision and mine not in team.revisions


def _revision(case: _Case, team: Team | None) -> str:
    job = case.view.job
    if job is not None and job.replica:
        return job.replica.rpartition("-")[0]
    return team.revision if team else ""


def _running(case: _Case, waiting: bool) -> Claim:
    view = case.view
    row, found = view.row, trouble(view.pods)
    if row is not None and row.state == "running" and row.owned and not found:
        return Claim("Running", "True", "Working", "A conductor works on it.")
    if found:
        return Claim("Running", "False", found.reason, found.message)
    if waiting:
        why = view.team.told if view.team else "Its formation is gone."
        return Claim("Running", "False", "FormationNotReady", f"No replica is free for it. {why}")
    return Claim("Running", "False", "Starting", "Its pod starts.")


def _resume(case: _Case, found: Resumed) -> Outcome:
    view = case.view
    text = "Its pods gave up, nothing is lost: a new one goes on soon."
    claims = (
        Claim("Admitted", "True", "Admitted", f"Formation {case.spec.formation!r} works on it."),
        Claim("Running", "False", "Resuming", text),
    )
    key = Key("Job", view.meta.namespace, found.job.name)
    go = found.wait <= 0 and not found.job.deleting
    actions = (Delete(key, found.job.uid),) if go else ()
    again = None if go else max(1.0, found.wait)
    return told(view, Outcome(actions, status(view, claims), again), claims)


def _end(case: _Case, ended: Ended) -> Outcome:
    """First the papers, then the condition: who waits for it finds them where the status says."""
    view = case.view
    if view.row is not None and view.report is None:
        attempt = case.attempt(view.attempt)
        return Outcome((Publish(attempt.id, children.report(attempt)),), again=0.0)
    admitted = find(view.conditions, "Admitted")
    claims: tuple[Claim, ...] = (
        Claim("Admitted", truth(bool(admitted and admitted.holds) or view.row is not None), "Ended", "It has ended."),
        Claim("Running", "False", ended.kind, "It has ended."),
        Claim("Succeeded", truth(ended.kind == "Succeeded"), ended.reason, ended.message),
    )  # fmt: skip
    if ended.kind != "Succeeded":
        claims += (Claim(ended.kind, "True", ended.reason, ended.message),)
    found = status(view, claims, ended=ended)
    return told(view, Outcome(status=found), claims)


def _after(case: _Case) -> Outcome:
    """Ended: its report stays, and in the end all goes."""
    view, meta = case.view, case.view.meta
    ttl = case.spec.ttl_seconds
    left = None if ttl is None else instant(view.status.get("completionTime", "")) + ttl - view.now
    if left is not None and left <= 0:
        return Outcome((Delete(Key("Mission", meta.namespace, meta.name), meta.uid),))
    actions: tuple[Action, ...] = ()
    if view.row is not None and view.row.over and view.report is None:
        attempt = case.attempt(view.attempt)
        actions = (Publish(attempt.id, children.report(attempt)),)
    return Outcome(actions, _restated(view), left)


def _restated(view: View) -> dict[str, Any] | None:
    """An end is an end of every later generation too: whoever goes by kstatus would wait for ever."""
    if view.status.get("observedGeneration") == view.meta.generation:
        return None
    claims = tuple(each.claim for each in view.conditions)
    conditions = merged(claims, view.conditions, view.meta.generation, stamp(view.now))
    return {
        **view.status,
        "observedGeneration": view.meta.generation,
        "conditions": written(conditions),
    }


def _refused(case: _Case, reason: str, message: str) -> Outcome:
    view = case.view
    before = find(view.conditions, "Admitted")
    admitted = bool(before and before.holds) or view.job is not None
    claims = (
        Claim("Admitted", truth(admitted), "Admitted" if admitted else reason, message),
        Claim("Running", "False", reason, message),
    )
    return told(view, Outcome(status=status(view, claims)), claims)
