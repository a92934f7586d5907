"""What an agent is told: one value from strategy to prompt. Pure; the templates in `prompts/` render it."""

from typing import Literal

import msgspec

Severity = Literal["low", "medium", "high", "critical"]
ToolName = Literal["ruff", "mypy", "bandit", "coverage"]
Step = Literal[
    "triage",
    "discover",
    "propose",
    "vote",
    "scaffold",
    "design",
    "build",
    "repair",
    "audit",
    "work",
    "charter",
    "reduce",
]


class FileText(msgspec.Struct, frozen=True, kw_only=True):
    """One text file of the workspace: a path relative to its root, and the whole content."""

    path: str
    text: str


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something wrong that was seen, by a tool or by a reviewer."""

    text: str
    file: str = ""
    line: int = 0
    severity: Severity = "medium"
    evidence: str = ""


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What a peer said in the debate, under an alias that hides who it was."""

    alias: str
    text: str


class Brief(msgspec.Struct, frozen=True, kw_only=True):
    """All that one agent learns for one step; the role's template chooses what to show."""

    step: Step
    goal: str
    task: str = ""
    acceptance: tuple[str, ...] = ()
    tree: tuple[str, ...] = ()
    files: tuple[FileText, ...] = ()
    notes: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    heard: tuple[Heard, ...] = ()
    complaint: str = ""
    """Why the previous answer to this very brief was rejected; empty at first."""
