"""Whether a mission's newest attempt has ended, and as what. Pure.

The database is believed before the Job: a conductor writes its conclusion there, with its papers,
before its pod ends. A Job that ended without a conclusion tells why by its container's last words.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from hekaton_api.mission import MissionSpec
from hekaton_operator.mission.children import remaining
from hekaton_operator.mission.view import Job, View
from hekaton_operator.progress import Progress

Kind: TypeAlias = Literal["Succeeded", "Failed", "Cancelled", "BudgetExhausted"]
RESTS = 15.0
"""Seconds between a Job that gave up though its mission can go on, and the next."""


@dataclass(frozen=True, slots=True)
class Ended:
    """For good."""

    kind: Kind
    reason: str
    message: str
    at: float
    """Seconds since 1970; 0 for now."""


@dataclass(frozen=True, slots=True)
class Retried:
    """This attempt has failed; the next begins."""

    attempt: int
    why: str


@dataclass(frozen=True, slots=True)
class Resumed:
    """The Job gave up, the mission can go on: a new Job goes on with the same attempt."""

    job: Job
    wait: float
    """Seconds."""


Ending: TypeAlias = Ended | Retried | Resumed


def ending(view: View, spec: MissionSpec) -> Ending | None:
    """None while it goes on, or has not begun."""
    row, job = view.row, view.job
    if row is not None and row.over:
        return _concluded(view, spec, row)
    if job is None or job.finished != "Failed":
        return None
    if row is not None and (row.state == "running" or row.state == "stopped"):
        return Resumed(job, max(0.0, job.finished_at + RESTS - view.now))
    why = _last_words(view) or job.message or "its Job failed"
    return _failed(view, spec, "NotBegun", why, job.finished_at)


def _concluded(view: View, spec: MissionSpec, row: Progress) -> Ending:
    if row.state == "passed":
        return Ended("Succeeded", "AcceptancePassed", row.reason or "Acceptance passed.", row.ended)
    if row.state == "failed":
        return _failed(view, spec, "AcceptanceFailed", row.reason or "It failed.", row.ended)
    if row.stop_kind == "killed":
        return Ended("Cancelled", "Killed", row.reason or "It was killed.", row.ended)
    if row.stop_kind in ("budget", "time"):
        reason = "BudgetSpent" if row.stop_kind == "budget" else "WallClockOver"
        return Ended("BudgetExhausted", reason, row.reason, row.ended)
    return Ended("Failed", "ReplayDiverged", row.reason, row.ended)


def _failed(view: View, spec: MissionSpec, reason: str, why: str, at: float) -> Ending:
    """Another attempt where one is left, and money for it."""
    if view.attempt >= spec.retries:
        return Ended("Failed", reason, why, at)
    if remaining(spec.budget, view.spent) is None:
        text = f"{why} {spec.retries - view.attempt} retries are left, but no budget."
        return Ended("BudgetExhausted", "BudgetSpent", text, at)
    return Retried(view.attempt + 1, why)


def _last_words(view: View) -> str:
    found = [each for pod in view.pods for each in pod.ended if each.container == "conductor"]
    if not found:
        return ""
    last = found[-1]
    words = last.message.strip()[-800:] or last.reason
    return f"The conductor ended with exit code {last.exit_code}: {words}"
