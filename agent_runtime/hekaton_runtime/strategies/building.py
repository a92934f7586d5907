"""Build one task in its own worktree: read, write, check, merge; each failure becomes a finding for the next try."""

from hekaton_runtime.answers import Patch, Task
from hekaton_runtime.brief import Brief, Finding
from hekaton_runtime.effects import Merge, Read, Run, Write
from hekaton_runtime.results import Unmerged, Written
from hekaton_runtime.strategies.steps import Step, Unanswered, ask, evidence
from hekaton_runtime.strategies.values import Assignment, Seat, TaskEnd

BUILD = "build"  # where the tasks' work comes together
RESULT = "result"  # holds accepted trees only


def build(
    a: Assignment, seat: Seat, task: Task, notes: tuple[str, ...], account: tuple[str, ...],
    findings: tuple[Finding, ...] = (), step: str = "build", loop: int = 0,
) -> Step[TaskEnd]:  # fmt: skip
    """One task, at most `rules.attempts` tries; work whose own checks fail is merged as unverified."""
    branch = f"task/{task.id}"
    why, wrote = "", False
    for attempt in range(1, a.rules.attempts + 1):
        seen = yield Read(branch=branch if wrote else BUILD, paths=task.files)
        brief = Brief(
            step="repair" if step == "repair" or attempt > 1 else "build",
            goal=a.goal, task=_words(task), acceptance=a.acceptance, tree=seen.tree, files=seen.files,
            notes=notes, findings=findings,
        )  # fmt: skip
        try:
            before = loop * a.rules.attempts + attempt - 1
            patch = yield from ask(seat, brief, Patch, account, before=before)
        except Unanswered as fault:
            return TaskEnd(task, branch, "failed", attempt, seat.name, str(fault))
        found, wrote = yield from _land(a, task, branch, patch, wrote)
        if not found:
            return TaskEnd(task, branch, "merged", attempt, seat.name)
        findings, why = found, found[0].text
    return (yield from _unverified(task, branch, seat, a.rules.attempts, why, wrote))


def _land(
    a: Assignment, task: Task, branch: str, patch: Patch, wrote: bool
) -> Step[tuple[tuple[Finding, ...], bool]]:
    """Write, check and merge one patch -> (what went wrong, whether the branch holds work)."""
    written = yield Write(
        branch=branch,
        base=BUILD,
        files=patch.files,
        message=f"{task.id}: {patch.summary or task.goal}"[:200],
    )
    if not isinstance(written, Written):
        return written.findings, wrote
    if task.checks:
        ran = yield Run(branch=branch, commands=task.checks, seconds=a.acceptance_seconds)
        if not ran.passed:
            return (evidence(ran),), True
    merged = yield Merge(source=branch, into=BUILD)
    if isinstance(merged, Unmerged):
        return (
            Finding(text=f"merge conflict with other tasks: {merged.detail}", severity="high"),
        ), True
    return (), True


def _unverified(
    task: Task, branch: str, seat: Seat, attempts: int, why: str, wrote: bool
) -> Step[TaskEnd]:
    """Acceptance judges the whole: work that merges goes along even where its own checks failed."""
    if wrote and not isinstance((yield Merge(source=branch, into=BUILD)), Unmerged):
        return TaskEnd(task, branch, "unverified", attempts, seat.name, why)
    return TaskEnd(task, branch, "failed", attempts, seat.name, why)


def _words(task: Task) -> str:
    parts = [task.goal]
    if task.files:
        parts.append("Files of this task: " + ", ".join(task.files))
    if task.checks:
        parts.append("Its own checks: " + "; ".join(task.checks))
    return "\n".join(parts)
