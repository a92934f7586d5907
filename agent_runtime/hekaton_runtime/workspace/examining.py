"""Look at what a branch changed with the tools that are there: each in the sandbox, one after another.

The tools' own programs lie where commands already may read and never write (the interpreter's
prefix); the tree is a scratch checkout that is thrown away.
"""

import re
import time
from dataclasses import replace

from hekaton_runtime.brief import ToolName
from hekaton_runtime.effects import Examine
from hekaton_runtime.results import Examined, ToolReport
from hekaton_runtime.review.commands import command
from hekaton_runtime.review.reading import report
from hekaton_runtime.review.touched import Touched, touched
from hekaton_runtime.workspace.checks import Checks
from hekaton_runtime.workspace.git import Entry, Git
from hekaton_runtime.workspace.paths import LINK, SUBMODULE

PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./+@-]*")
"""Paths that mean the same to a shell, to every tool, and in their output."""
MOST = 200
"""Files; more do not fit a command line and a reviewer's patience."""
LARGEST = 512 * 1024
"""Bytes of one file."""
OUTPUT_KIB = 2048


async def examine(git: Git, checks: Checks, commit: str, base: str, effect: Examine) -> Examined:
    """One report for each tool, whatever happens to it."""
    changed = await _changed(git, commit, base)
    looked = tuple(one for one in changed if PLAIN.fullmatch(one.path))[:MOST]
    reports = [
        await _report(checks, commit, tool, _suited(tool, looked), effect) for tool in effect.tools
    ]
    if left := len(changed) - len(looked):
        reports = [_short(one, left) for one in reports]
    return Examined(reports=tuple(reports), files=tuple(one.path for one in looked))


async def _changed(git: Git, commit: str, base: str) -> tuple[Touched, ...]:
    """Compared by content: a file that came back to what it was has not changed."""
    old = {one.path: one for one in await _sources(git, base)}
    new = [one for one in await _sources(git, commit) if _blob(old, one.path) != one.blob]
    was = [old[one.path] for one in new if one.path in old]
    texts = await git.blobs(tuple(one.blob for one in (*new, *was)))
    after = {one.path: text for one, text in zip(new, texts[: len(new)], strict=True)}
    before = {one.path: text for one, text in zip(was, texts[len(new) :], strict=True)}
    return touched(_readable(before), _readable(after))


async def _sources(git: Git, commit: str) -> list[Entry]:
    return [
        one
        for one in await git.entries(commit)
        if one.path.endswith(".py") and one.mode not in (LINK, SUBMODULE) and one.size <= LARGEST
    ]


def _blob(entries: dict[str, Entry], path: str) -> str:
    return entries[path].blob if path in entries else ""


def _readable(contents: dict[str, bytes]) -> dict[str, str]:
    return {path: content.decode(errors="replace") for path, content in contents.items()}


def _suited(tool: ToolName, files: tuple[Touched, ...]) -> tuple[Touched, ...]:
    """Security and coverage are asked of what is delivered, not of its tests."""
    if tool in ("bandit", "coverage"):
        return tuple(one for one in files if not one.is_test)
    return files


async def _report(
    checks: Checks, commit: str, tool: ToolName, files: tuple[Touched, ...], effect: Examine
) -> ToolReport:
    if not files:
        what = "Python file" if tool in ("ruff", "mypy") else "Python file outside of tests"
        return ToolReport(tool=tool, state="unsuited", detail=f"no {what} was changed")
    if tool == "coverage" and not effect.commands:
        return ToolReport(tool=tool, state="unsuited", detail="there is no acceptance command")
    line = command(tool, tuple(one.path for one in files), effect.commands)
    limits = replace(checks.limits, output_kib=OUTPUT_KIB)
    started = time.monotonic()
    covered = tool == "coverage" and bool(checks.hidden)
    done = await checks.execute(commit, line, replace(limits, seconds=effect.seconds), covered)
    if done.breaches:
        why = (
            f"{tool} was ended after {time.monotonic() - started:.0f} s: {'; '.join(done.breaches)}"
        )
        return ToolReport(tool=tool, state="failed", detail=why)
    made = report(tool, done.exit_code, done.output, files)
    return _without_lines(made) if covered else made


def _without_lines(made: ToolReport) -> ToolReport:
    """Which lines hidden acceptance runs would tell what it tests; only the share is told."""
    return ToolReport(
        tool=made.tool, state=made.state, detail=made.detail, lines=made.lines, covered=made.covered
    )


def _short(made: ToolReport, left: int) -> ToolReport:
    why = f"{left} changed file{' was' if left == 1 else 's were'} not looked at"
    detail = f"{made.detail}; {why}" if made.detail else why
    return ToolReport(
        tool=made.tool, state=made.state, detail=detail, findings=made.findings, more=made.more,
        lines=made.lines, covered=made.covered,
    )  # fmt: skip
