"""May a mission begin: a formation that is ready, a free place, its turn, and money for today. Pure."""

from dataclasses import dataclass
from typing import TypeAlias

from hekaton_api.mission import MissionSpec
from hekaton_api.team import lacking
from hekaton_operator.mission.view import Queue, Team, View

BLOCKED = ("SpecInvalid", "FormationUnfit", "BudgetExceeded", "CredentialsNotInSecret")
"""Reasons of those that let others pass in the queue."""


@dataclass(frozen=True, slots=True)
class Held:
    """It must wait."""

    reason: str
    message: str
    position: int | None = None
    """Missions ahead, where it queues."""


@dataclass(frozen=True, slots=True)
class Place:
    """It may begin, on this replica."""

    replica: str


Verdict: TypeAlias = Held | Place


def shown(ahead: int) -> int:
    """The position that the status shows: exact below ten, else rounded down to its first digit.
    A long queue would otherwise rewrite every status whenever one mission ends."""
    step = 10 ** (len(str(ahead)) - 1) if ahead >= 10 else 1
    return ahead // step * step


def admission(view: View, spec: MissionSpec) -> Verdict:
    team = view.team
    if team is None:
        return Held(
            "FormationMissing",
            f"Formation {spec.formation!r} is not in namespace {view.meta.namespace}. Apply it, or see"
            f" kubectl get formations -n {view.meta.namespace}.",
        )
    if held := _unfit(view, spec, team):
        return held
    position = shown(view.queue.ahead)
    if not team.replicas or not team.revision:
        text = f"Formation {team.name!r} takes no missions now. {team.told}"
        return Held("FormationNotReady", text, position)
    replica = free_replica(team, view.queue)
    places = team.spec.capacity * len(team.replicas) if team.spec else 0
    if replica is None or view.queue.ahead >= places - view.queue.active:
        text = (
            f"{view.queue.active} of {places} places of formation {team.name!r} are taken, and"
            f" {position if position < 10 else f'at least {position}'} missions are ahead."
        )
        return Held("Queued", text, position)
    return Place(replica)


def _unfit(view: View, spec: MissionSpec, team: Team) -> Held | None:
    """Why its turn would not help."""
    if team.spec is None:
        text = f"Formation {team.name!r} cannot be carried out. {team.told}"
        return Held("FormationNotReady", text, shown(view.queue.ahead))
    if groups := lacking(team.spec, spec.mode):
        needed = ", and ".join(" or ".join(group) for group in groups)
        return Held(
            "FormationUnfit",
            f"Mode {spec.mode} needs the role {needed}, and formation {team.name!r} has none. Add one"
            " to its roles, or make the mission anew with another mode.",
        )
    git = spec.workspace.git
    if git and git.credentials and git.credentials.secret_key_ref is None:
        return Held(
            "CredentialsNotInSecret",
            "spec.workspace.git.credentials names an environment variable, which a pod does not have."
            " Put the key into a Secret and make the mission anew with credentials.secretKeyRef.",
        )
    return _over_budget(view.queue, spec, team)


def _over_budget(queue: Queue, spec: MissionSpec, team: Team) -> Held | None:
    """The day's budget counts what was spent today, and the caps of those that run."""
    if team.spec is None:
        return None
    day, budget = team.spec.budget, spec.budget
    over = []
    if day.tokens_per_day is not None and queue.day_tokens + budget.tokens > day.tokens_per_day:
        over.append(f"{queue.day_tokens} of {day.tokens_per_day} tokens")
    if day.usd_micros is not None and queue.day_micros + budget.usd_micros > day.usd_micros:
        over.append(f"${queue.day_micros / 1e6:.2f} of ${day.usd_micros / 1e6:.2f}")
    if not over:
        return None
    return Held(
        "BudgetExceeded",
        f"Formation {team.name!r} has {' and '.join(over)} of today's budget in use, and this mission may"
        " need more than is left. It begins when there is room (a new day, UTC, or a mission that ends"
        " below its cap); else raise spec.budget of the formation.",
    )


def free_replica(team: Team, queue: Queue) -> str | None:
    """The ready replica with the fewest missions; None where all are full."""
    load = queue.load or {}
    capacity = team.spec.capacity if team.spec else 0
    free = [name for name in team.replicas if load.get(name, 0) < capacity]
    return min(free, key=lambda name: (load.get(name, 0), name), default=None)
