"""Build one task in its own worktree: read, write, check, merge; each failure becomes a finding for the next try."""

from typing import Literal

from hekaton_runtime.answers import Patch, Reasoned, Task
from hekaton_runtime.brief import Brief, Finding
from hekaton_runtime.effects import Merge, Read, Run, Write
from hekaton_runtime.results import Unmerged, Written
from hekaton_runtime.strategies.content import normal
from hekaton_runtime.strategies.steps import Step, Unanswered, ask, evidence
from hekaton_runtime.strategies.values import Assignment, Seat, TaskEnd

BUILD = "build"  # where the tasks' work comes together
RESULT = "result"  # holds accepted trees only


def build(
    a: Assignment, seat: Seat, task: Task, notes: tuple[str, ...], account: tuple[str, ...],
    findings: tuple[Finding, ...] = (), step: str = "build", loop: int = 0, thinking: bool = False,
) -> Step[TaskEnd]:  # fmt: skip
    """One task, at most `rules.attempts` tries; work whose own checks fail is merged as unverified.

    With `thinking` the builder reasons before it writes, in the same answer.
    """
    branch = f"task/{task.id}"
    why, wrote, changed, action = "", False, False, ""
    for attempt in range(1, a.rules.attempts + 1):
        seen = yield Read(branch=branch if wrote else BUILD, paths=task.files)
        brief = Brief(
            step="repair" if step == "repair" or attempt > 1 else "build",
            goal=a.goal, task=_words(task), acceptance=a.acceptance, tree=seen.tree, files=seen.files,
            notes=notes, findings=findings,
        )  # fmt: skip
        try:
            before = loop * a.rules.attempts + attempt - 1
            patch = yield from _patch(seat, brief, account, before, thinking)
        except Unanswered as fault:
            return TaskEnd(task, branch, "failed", attempt, seat.name, str(fault), action, changed)
        action = normal(patch)
        found, wrote, new = yield from _land(a, task, branch, patch, wrote)
        changed = changed or new
        if not found:
            return TaskEnd(task, branch, "merged", attempt, seat.name, "", action, changed)
        findings, why = found, found[0].text
    status = yield from _unverified(branch, wrote)
    return TaskEnd(task, branch, status, a.rules.attempts, seat.name, why, action, changed)


def _patch(
    seat: Seat, brief: Brief, account: tuple[str, ...], before: int, thinking: bool
) -> Step[Patch]:
    if not thinking:
        return (yield from ask(seat, brief, Patch, account, before=before))
    said = yield from ask(seat, brief, Reasoned, account, before=before)
    return Patch(summary=said.summary, files=said.files)


def _land(
    a: Assignment, task: Task, branch: str, patch: Patch, wrote: bool
) -> Step[tuple[tuple[Finding, ...], bool, bool]]:
    """Write, check and merge one patch -> (what went wrong, does the branch hold work, is it new)."""
    written = yield Write(
        branch=branch,
        base=BUILD,
        files=patch.files,
        message=f"{task.id}: {patch.summary or task.goal}"[:200],
    )
    if not isinstance(written, Written):
        return written.findings, wrote, False
    if task.checks:
        ran = yield Run(branch=branch, commands=task.checks, seconds=a.acceptance_seconds)
        if not ran.passed:
            return (evidence(ran),), True, written.changed
    merged = yield Merge(source=branch, into=BUILD)
    if isinstance(merged, Unmerged):
        return (
            (Finding(text=f"merge conflict with other tasks: {merged.detail}", severity="high"),),
            True,
            written.changed,
        )
    return (), True, written.changed


def _unverified(branch: str, wrote: bool) -> Step[Literal["unverified", "failed"]]:
    """Acceptance judges the whole: work that merges goes along even where its own checks failed."""
    if wrote and not isinstance((yield Merge(source=branch, into=BUILD)), Unmerged):
        return "unverified"
    return "failed"


def _words(task: Task) -> str:
    parts = [task.goal]
    if task.files:
        parts.append("Files of this task: " + ", ".join(task.files))
    if task.checks:
        parts.append("Its own checks: " + "; ".join(task.checks))
    return "\n".join(parts)
