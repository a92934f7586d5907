"""Events of a mission: one for whatever stands in its way, and one for an end that is no success.

That all goes well is in its conditions, and worth no write of its own. Pure.
"""

from dataclasses import replace

from hekaton_operator.actions import Outcome, Tell
from hekaton_operator.conditions import Claim, find
from hekaton_operator.mission.view import ENDS, View
from hekaton_operator.objects import Key

QUIET = (
    "Admitted", "Working", "AcceptancePassed", "Starting", "Queued", "Suspended", "Cancelling",
    "FormationNotReady", "Resuming", "Ended",
)  # fmt: skip
"""Reasons that are well, that pass by themselves, or that somebody asked for."""
GOOD = ("Cancelled", "Killed")


def told(view: View, outcome: Outcome, claims: tuple[Claim, ...]) -> Outcome:
    key = Key("Mission", view.meta.namespace, view.meta.name)
    events = tuple(
        Tell(
            key, view.meta.uid, "Normal" if claim.reason in GOOD else "Warning", claim.reason,
            claim.message,
        )
        for claim in _news(view, claims)
    )  # fmt: skip
    return replace(outcome, actions=(*outcome.actions, *events))


def _news(view: View, claims: tuple[Claim, ...]) -> list[Claim]:
    """Claims that are new; where Running only repeats why it was not admitted, that once."""
    found: list[Claim] = []
    for claim in claims:
        before = find(view.conditions, claim.type)
        old = before.claim.reason if before else ""
        repeated = any(each.reason == claim.reason for each in found)
        if claim.type == "Running" and claim.reason in ENDS:
            continue
        if claim.reason != old and claim.reason not in QUIET and not repeated:
            found.append(claim)
    return found
