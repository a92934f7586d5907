"""From what a tool printed to its report: findings on changed lines, the gravest first. Pure.

An output that cannot be read is a failure, never a clean bill.
"""

from collections.abc import Callable, Iterable
from typing import TypeVar

import msgspec

from hekaton_runtime.brief import Finding, Severity, ToolName
from hekaton_runtime.results import ToolReport
from hekaton_runtime.review.commands import ABSENT
from hekaton_runtime.review.spoken import (
    BanditItem,
    BanditSaid,
    CoverageSaid,
    Level,
    MypyItem,
    RuffItem,
)
from hekaton_runtime.review.touched import Touched

MOST = 40
"""Findings of one tool that are kept."""
LONGEST = 400
"""Characters of a finding's text and of its evidence."""
GRAVE: dict[Severity, int] = {"critical": 0, "high": 1, "medium": 2, "low": 3}
WRONG = ("F82", "F63", "F50", "F70", "F72", "PLE")
"""Rules of ruff for code that fails or lies when it is run."""
UNSAFE: dict[Level, Severity] = {
    "HIGH": "high",
    "MEDIUM": "medium",
    "LOW": "low",
    "UNDEFINED": "low",
}
LESS: dict[Severity, Severity] = {
    "critical": "high",
    "high": "medium",
    "medium": "low",
    "low": "low",
}
T = TypeVar("T")


class Unreadable(Exception):
    """What a tool printed is not what it prints when it has done its work."""


def report(tool: ToolName, exit_code: int, output: str, files: tuple[Touched, ...]) -> ToolReport:
    """Judge by the exit code only whether the tool is there: each has its own idea of a good one."""
    if exit_code == ABSENT:
        why = f"{tool} is not installed where commands run. `pip install 'hekaton[review]'` brings it."
        return ToolReport(tool=tool, state="absent", detail=why)
    try:
        if tool == "coverage":
            return _coverage(output, files)
        found = READERS[tool](output, Lookup(files))
    except Unreadable as fault:
        why = f"{tool} ended with exit code {exit_code}: {fault}"
        return ToolReport(tool=tool, state="failed", detail=why)
    if tool == "mypy" and exit_code not in (0, 1) and not found:
        why = f"mypy ended with exit code {exit_code} and named no error in the changed files"
        return ToolReport(tool=tool, state="failed", detail=why)
    return kept(tool, found)


def kept(tool: ToolName, found: Iterable[Finding], detail: str = "") -> ToolReport:
    ordered = sorted(
        dict.fromkeys(found), key=lambda one: (GRAVE[one.severity], one.file, one.line, one.text)
    )
    more = max(0, len(ordered) - MOST)
    return ToolReport(
        tool=tool, state="ran", detail=detail, findings=tuple(ordered[:MOST]), more=more
    )


class Lookup:
    """The changed files by whatever name a tool gives them."""

    def __init__(self, files: tuple[Touched, ...]) -> None:
        self._files = {one.path: one for one in files}

    def file(self, name: str) -> Touched | None:
        """By its path in the tree; tools say `./a.py`, or the whole path."""
        plain = name
        while plain.startswith("./"):
            plain = plain[2:]
        if plain in self._files:
            return self._files[plain]
        ends = [path for path in self._files if plain.endswith(f"/{path}")]
        return self._files[max(ends, key=len)] if ends else None

    def finding(self, name: str, line: int, text: str, severity: Severity) -> Finding | None:
        """None where the line was not changed; what makes a whole file unusable counts anywhere."""
        file = self.file(name)
        if file is None or (severity != "critical" and line not in file.lines):
            return None
        return Finding(
            text=text[:LONGEST], file=file.path, line=max(line, 0), severity=severity,
            evidence=file.line(line)[:LONGEST],
        )  # fmt: skip


def ruff(output: str, files: Lookup) -> tuple[Finding, ...]:
    found = []
    for item in _decoded(output, tuple[RuffItem, ...]):
        code = item.code or "invalid-syntax"
        line = item.location.row if item.location else 0
        found.append(files.finding(item.filename, line, f"{code} {item.message}", _lint(code)))
    return _present(found)


def _lint(code: str) -> Severity:
    if code in ("invalid-syntax", "E999"):
        return "critical"
    if code.startswith(WRONG):
        return "high"
    return "medium" if code.startswith(("B", "E9")) else "low"


def mypy(output: str, files: Lookup) -> tuple[Finding, ...]:
    """One object a line; notes explain errors and are none."""
    found = []
    for line in filter(None, map(str.strip, output.splitlines())):
        item = _decoded(line, MypyItem)
        if item.severity != "error":
            continue
        code = item.code or "error"
        said = f"{item.message} [{code}]"
        found.append(files.finding(item.file, item.line, said, _typed(code)))
    return _present(found)


def _typed(code: str) -> Severity:
    """A name without a type is a wish of mypy's own; the rest contradicts what the code says of itself."""
    if code == "syntax":
        return "critical"
    return (
        "low" if code in ("var-annotated", "annotation-unchecked", "import-untyped") else "medium"
    )


def bandit(output: str, files: Lookup) -> tuple[Finding, ...]:
    said = _decoded(output, BanditSaid)
    if said.errors:
        raise Unreadable(
            "; ".join(f"{one.reason} ({one.filename})" for one in said.errors)[:LONGEST]
        )
    return _present(
        [
            files.finding(
                one.filename, one.line_number, f"{one.test_id} {one.issue_text}", _unsafe(one)
            )
            for one in said.results
        ]
    )


def _unsafe(item: BanditItem) -> Severity:
    """A guess of low confidence weighs one step less."""
    severity = UNSAFE[item.issue_severity]
    return LESS[severity] if item.issue_confidence in ("LOW", "UNDEFINED") else severity


def _coverage(output: str, files: tuple[Touched, ...]) -> ToolReport:
    """How many of the changed statements acceptance ran, and which it did not."""
    try:
        said = _decoded(output, CoverageSaid)
    except Unreadable:
        why = "acceptance ran no Python that could be watched"
        return ToolReport(tool="coverage", state="failed", detail=why)
    lookup, lines, covered, found = Lookup(files), 0, 0, []
    for name, one in sorted(said.files.items()):
        file = lookup.file(name)
        if file is None:
            continue
        missing = sorted(file.lines.intersection(one.missing_lines))
        ran = len(file.lines.intersection(one.executed_lines))
        lines, covered = lines + ran + len(missing), covered + ran
        if missing:
            text = f"acceptance never runs {spans(missing)}"
            found.append(lookup.finding(file.path, missing[0], text, "low"))
    if not lines:
        why = "no statement outside of tests was changed"
        return ToolReport(tool="coverage", state="unsuited", detail=why)
    detail = f"acceptance runs {covered} of {lines} changed statements"
    made = kept("coverage", _present(found), detail)
    return msgspec.structs.replace(made, lines=lines, covered=covered)


def spans(lines: list[int]) -> str:
    """Sorted numbers as `lines 3-5, 9`."""
    parts: list[tuple[int, int]] = []
    for line in lines:
        if parts and parts[-1][1] == line - 1:
            parts[-1] = (parts[-1][0], line)
        else:
            parts.append((line, line))
    words = [f"{a}" if a == b else f"{a}-{b}" for a, b in parts]
    return f"line{'' if len(lines) == 1 else 's'} {', '.join(words)}"


def _decoded(output: str, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(output, type=kind)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as fault:
        raise Unreadable(f"its output cannot be read ({fault})"[:LONGEST]) from fault


def _present(found: Iterable[Finding | None]) -> tuple[Finding, ...]:
    return tuple(one for one in found if one is not None)


READERS: dict[ToolName, Callable[[str, Lookup], tuple[Finding, ...]]] = {
    "ruff": ruff,
    "mypy": mypy,
    "bandit": bandit,
}
