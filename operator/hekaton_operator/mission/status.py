"""The status of a mission. Pure.

What the database says replaces what stood there; while it says nothing, what stood there stays.
"""

from collections.abc import Mapping
from typing import Any, get_args

from hekaton_api.mission import MissionSpec
from hekaton_api.status import Phase
from hekaton_api.units import dollars
from hekaton_operator import names
from hekaton_operator.conditions import Claim, merged, written
from hekaton_operator.mission.ending import Ended
from hekaton_operator.mission.view import View
from hekaton_operator.progress import Progress
from hekaton_operator.times import stamp

SITREP, SCORES = "SITREP.md", "scores"
"""Keys of a report as the store keeps it."""
SUMMARY = 4000
"""Most characters of the report in the status."""
KEPT = (
    "phase", "round", "wave", "tasks", "spent", "reserved", "savedUsd", "startTime", "attempt",
    "formationRevision", "artifact", "sitrep", "scores", "completionTime",
)  # fmt: skip


def status(
    view: View,
    claims: tuple[Claim, ...],
    revision: str = "",
    position: int | None = None,
    ended: Ended | None = None,
) -> dict[str, Any]:
    """The status as it shall be."""
    found = {name: view.status[name] for name in KEPT if name in view.status}
    found |= _begun(view, view.row) if view.row else {"phase": found.get("phase", "pending")}
    if view.attempt:
        found["attempt"] = view.attempt
    if revision:
        found["formationRevision"] = revision
    if position is not None:
        found["queuePosition"] = position
    if ended:
        found |= _over(view, ended)
    conditions = merged(claims, view.conditions, view.meta.generation, stamp(view.now))
    return {
        **found,
        "observedGeneration": view.meta.generation,
        "conditions": written(conditions),
    }


def _begun(view: View, row: Progress) -> dict[str, Any]:
    tokens, micros = view.spent
    known = row.phase if row.phase in get_args(Phase) else "build"
    phase = known if row.phase else "pending"
    found: dict[str, Any] = {
        "phase": phase,
        "round": row.round,
        "wave": row.wave,
        "tasks": {"done": row.tasks_done, "total": row.tasks_total},
        "spent": _account(tokens, micros),
        "reserved": _account(row.reserved_tokens, row.reserved_micros),
    }
    first = min((each.started for each in (*view.earlier, row) if each.started), default=0.0)
    return {**found, "startTime": stamp(first)} if first else found


def _account(tokens: int, micros: int) -> dict[str, Any]:
    """Dollars as JSON has them: a whole number without a fraction, as the server hands it back."""
    usd = float(dollars(micros))
    return {"tokens": tokens, "usd": int(usd) if usd.is_integer() else usd}


def _over(view: View, ended: Ended) -> dict[str, Any]:
    done = view.status.get("completionTime") or stamp(ended.at or view.now)
    found: dict[str, Any] = {"phase": "done", "completionTime": done}
    data: Mapping[str, Any] = (view.report or {}).get("data") or {}
    if SITREP in data:
        found["sitrep"] = _summary(data[SITREP])
    if SCORES in data:
        found["scores"] = data[SCORES]
    row = view.row
    if row and row.commit and not isinstance(view.spec, tuple):
        found["artifact"] = _artifact(view, view.spec, row)
    return found


def _artifact(view: View, spec: MissionSpec, row: Progress) -> dict[str, str]:
    wanted, git = spec.artifact, spec.workspace.git
    if wanted and wanted.pvc:
        place = f"pvc/{wanted.pvc.claim_name}/{wanted.pvc.path or ''}".rstrip("/")
    elif wanted and wanted.git and git:
        return {"branch": wanted.git.branch, "commit": row.commit, "location": git.url}
    else:
        place = f"configmap/{names.report_name(view.meta.name)}"
    branch = {"branch": row.branch} if row.branch else {}
    return {**branch, "commit": row.commit, "location": place}


def _summary(text: str) -> str:
    """The beginning of the report, in whole lines."""
    if len(text) <= SUMMARY:
        return text
    return text[:SUMMARY].rpartition("\n")[0] or text[:SUMMARY]
