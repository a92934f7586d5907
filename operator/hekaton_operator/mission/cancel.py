"""spec.cancel: the kill switch of a mission in a cluster. Pure.

The conductor is asked first, since it stops the calls in flight and writes the last line; two seconds
later its pods go whatever it answers. Cancelled is True only when no pod is left.
"""

from hekaton_operator import names
from hekaton_operator.actions import Action, Delete, Halt, Outcome
from hekaton_operator.conditions import Claim, find
from hekaton_operator.mission.ending import Ended
from hekaton_operator.mission.status import status
from hekaton_operator.mission.telling import told
from hekaton_operator.mission.view import View
from hekaton_operator.objects import Key
from hekaton_operator.times import instant

PATIENCE = 2.0
"""Seconds that a conductor has to stop by itself, and again that its pod has to end."""
REASON = "spec.cancel"


def cancel(view: View) -> Outcome | None:
    """The next step; None when nobody works on it (any more)."""
    alive = [pod for pod in view.pods if pod.phase not in ("Succeeded", "Failed")]
    if view.job is None and not alive:
        return None
    before = find(view.conditions, "Cancelled")
    asked = instant(before.since) if before else None
    claims = (
        Claim("Admitted", "True", "Admitted", "It was admitted."),
        Claim("Running", "False", "Cancelling", "It is being stopped."),
        Claim("Cancelled", "Unknown", "Cancelling", "Its conductor was asked to stop."),
    )
    actions: list[Action] = []
    if asked is None:
        actions.append(Halt(names.attempt_id(view.meta.uid, view.attempt), REASON))
    due = asked is not None and view.now >= asked + PATIENCE
    newest = (view.job,) if view.job is not None else ()
    for job in (*view.former, *newest):
        if not job.deleting and (due or job.finished or _stopped(view)):
            key = Key("Job", view.meta.namespace, job.name)
            actions.append(Delete(key, job.uid, grace=int(PATIENCE)))
    found = status(view, claims)
    return told(view, Outcome(tuple(actions), found, again=0.5), claims)


def _stopped(view: View) -> bool:
    return view.row is not None and view.row.over


def cancelled(view: View) -> Ended:
    """The end of a mission that nobody works on any more."""
    begun = view.row is not None or find(view.conditions, "Cancelled") is not None
    text = "It was stopped by spec.cancel." if begun else "It was cancelled before it began."
    return Ended("Cancelled", "Cancelled", text, 0.0)
