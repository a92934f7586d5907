"""What a mission's reconcile sees: the mission, its formation, its Job and pods, its row. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from hekaton_api.formation import FormationSpec
from hekaton_api.mission import MissionSpec
from hekaton_operator.conditions import Condition
from hekaton_operator.names import ATTEMPT, REPLICA
from hekaton_operator.objects import Body, Meta, labels_of
from hekaton_operator.pods import Pod
from hekaton_operator.progress import Progress
from hekaton_operator.times import instant

ENDS = ("Succeeded", "Failed", "Cancelled", "BudgetExhausted")
"""Conditions one of which ends a mission."""


@dataclass(frozen=True, slots=True)
class Job:
    """A mission's Job."""

    name: str
    uid: str
    attempt: int
    replica: str
    """Pod of the formation that works on it."""
    suspended: bool
    deleting: bool
    finished: Literal["", "Complete", "Failed"]
    message: str
    """Why it failed."""
    finished_at: float


def job_of(body: Body) -> Job:
    meta, status, labels = body["metadata"], body.get("status") or {}, labels_of(body)
    held = [each for each in status.get("conditions") or () if each.get("status") == "True"]
    ends = [each for each in held if each["type"] in ("Complete", "Failed")]
    attempt = labels.get(ATTEMPT, "0")
    return Job(
        name=meta["name"],
        uid=meta.get("uid", ""),
        attempt=int(attempt) if attempt.isdigit() else 0,
        replica=labels.get(REPLICA, ""),
        suspended=bool((body.get("spec") or {}).get("suspend")),
        deleting="deletionTimestamp" in meta,
        finished=ends[0]["type"] if ends else "",
        message=ends[0].get("message", "") if ends else "",
        finished_at=instant(ends[0].get("lastTransitionTime", "")) if ends else 0.0,
    )


@dataclass(frozen=True, slots=True)
class Team:
    """The formation, as far as a mission cares."""

    name: str
    uid: str
    spec: FormationSpec | None
    """None where it is none that can be carried out."""
    document: str
    """The same as conductors read it."""
    revision: str
    """Takes missions; empty while none does."""
    replicas: tuple[str, ...]
    """Pods that are ready for missions, in order."""
    revisions: tuple[str, ...]
    """Revisions that have a StatefulSet."""
    told: str
    """Why it is not ready, in its own words."""


@dataclass(frozen=True, slots=True)
class Queue:
    """The other missions of the formation."""

    ahead: int = 0
    """Of those that wait."""
    load: Mapping[str, int] | None = None
    """Missions that each replica has already."""
    active: int = 0
    day_tokens: int = 0
    day_micros: int = 0
    """What they may use today: spent, or for those that run their cap."""


@dataclass(frozen=True, slots=True)
class View:
    meta: Meta
    spec: MissionSpec | tuple[str, ...]
    conditions: tuple[Condition, ...]
    status: Mapping[str, Any]
    """As it stands; what nobody knows better is kept."""
    team: Team | None
    queue: Queue
    job: Job | None
    """Of the newest attempt."""
    former: tuple[Job, ...]
    """Of the attempts before it."""
    configured: bool
    """Whether the newest attempt's ConfigMap is there."""
    row: Progress | None
    """Of the newest attempt."""
    earlier: tuple[Progress, ...]
    attempt: int
    pods: tuple[Pod, ...]
    report: Body | None
    """The ConfigMap with its papers."""
    now: float
    refused: tuple[str, str] | None = None
    """Reason and message of a write that the server refused just now."""

    @property
    def spent(self) -> tuple[int, int]:
        """Tokens and micro-dollars of all attempts."""
        rows = (*self.earlier, *((self.row,) if self.row else ()))
        return sum(r.spent_tokens for r in rows), sum(r.spent_micros for r in rows)
