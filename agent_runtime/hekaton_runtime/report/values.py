"""What a SITREP tells, as values; `sitrep` writes them as Markdown and as JSON.

Times are seconds since 1970, durations seconds, money micro-dollars. A text that a model or a
command gave may hold anything: only `sitrep` decides how it may appear.
"""

from dataclasses import dataclass
from typing import Literal

from hekaton_runtime.brief import Finding
from hekaton_runtime.journal.entries import Label

Verdict = Literal["passed", "failed", "stopped"]
TaskStatus = Literal["merged", "unverified", "failed", "stopped", "unused", "waiting"]
"""Unverified work is in the result though the task's own checks did not pass; unused was not chosen."""


@dataclass(frozen=True, slots=True)
class Phase:
    name: str
    started: float
    ended: float | None
    """None while it never came to an end."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposal of a debate under its alias, with the votes that it got."""

    alias: str
    approach: str
    votes: int
    passed: bool | None = None
    """By the acceptance commands; None where they were not run on it."""


@dataclass(frozen=True, slots=True)
class DebateRound:
    """The proposals as they stood in this round, and the ballots cast on them."""

    proposals: tuple[Proposal, ...]
    winner: str
    """The alias with the round's ballots behind it; empty where they decided nothing."""


@dataclass(frozen=True, slots=True)
class Debate:
    topic: str
    rounds: tuple[DebateRound, ...]
    winner: str
    """The alias that the debate decided for; empty where it decided nothing."""
    plain_vote: str
    """The alias that a vote without any debate would have chosen; empty where it had none."""
    effect: str = ""
    """What the debate changed against that vote, in words."""
    why: str = ""
    """Why it ended when it did, or was not opened."""
    topology: str = ""
    arbiter: str = ""


@dataclass(frozen=True, slots=True)
class TaskLine:
    id: str
    goal: str
    status: TaskStatus
    attempts: int
    branch: str


@dataclass(frozen=True, slots=True)
class VerifyRun:
    """One run of the acceptance commands; `command` is the first that failed, or the last."""

    command: str
    passed: bool
    seconds: float
    output: str
    """The last of what was printed."""


@dataclass(frozen=True, slots=True)
class Score:
    """The auditor's grade for one part of the rubric, 0 to 10, and what the part weighs."""

    part: str
    grade: int
    weight: float
    given: int | None = None
    """What the auditors gave, where evidence lowered it."""
    lowered_by: tuple[str, ...] = ()
    """The tools whose findings did that."""


@dataclass(frozen=True, slots=True)
class ToolLine:
    """What one tool said in the last review; `state` other than `ran` says that it looked at nothing."""

    tool: str
    state: str
    detail: str
    findings: tuple[Finding, ...] = ()
    more: int = 0
    """Findings beyond those that are listed."""


@dataclass(frozen=True, slots=True)
class Scores:
    parts: tuple[Score, ...]
    weighted: float
    pass_score: float


@dataclass(frozen=True, slots=True)
class CostLine:
    """What the calls of one model, or of one role, came to."""

    name: str
    calls: int
    tokens_in: int
    tokens_out: int
    micros: int
    estimated_calls: int = 0
    """Calls whose endpoint gave no token counts."""
    unknown_calls: int = 0
    """Calls with an unknown outcome; they are charged at their reservation."""


@dataclass(frozen=True, slots=True)
class Account:
    cap: int
    spent: int
    left: int


@dataclass(frozen=True, slots=True)
class Budget:
    tokens: Account
    micros: Account


@dataclass(frozen=True, slots=True)
class Savings:
    micros: int
    against: str
    """What the mission is compared with, in words."""


@dataclass(frozen=True, slots=True)
class Artifact:
    branch: str
    commit: str
    patch: str
    bundle: str


@dataclass(frozen=True, slots=True)
class NextStep:
    """Something for a person to do: a sentence, and the command if there is one."""

    text: str
    command: str = ""


@dataclass(frozen=True, slots=True)
class Sitrep:
    """A mission's closing report."""

    mission: str
    """The mission's identifier."""
    name: str
    goal: str
    formation: str
    mode: str
    outcome: Verdict
    reason: str
    """Why it ended so, in one sentence."""
    simulated: bool
    """Simulated models answered at least one call."""
    unsafe_no_sandbox: bool
    """Commands ran without confinement."""
    started: float
    ended: float
    phases: tuple[Phase, ...]
    debate: Debate | None
    """None where no debate was opened."""
    tasks: tuple[TaskLine, ...]
    verify: tuple[VerifyRun, ...]
    scores: Scores | None
    """None where no audit took place."""
    findings: tuple[Finding, ...]
    """Findings still open."""
    cost_by_model: tuple[CostLine, ...]
    cost_by_role: tuple[CostLine, ...]
    budget: Budget
    savings: Savings | None
    """None where nothing was measured to compare with."""
    artifact: Artifact | None
    replay: str
    """The command that replays the mission from its journal."""
    next_steps: tuple[NextStep, ...]
    choice: str = ""
    """The mode that `auto` chose, and why; empty in other modes."""
    labels: tuple[Label, ...] = ()
    """How it went wrong, where the course decides it."""
    tools: tuple[ToolLine, ...] = ()
    """Executed tools of the last review; empty where none was asked."""
