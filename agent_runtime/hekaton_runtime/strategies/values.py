"""What a strategy is given and what it concludes. Pure values; the report is made of the conclusion."""

from dataclasses import dataclass, field
from typing import Literal

from hekaton_runtime.answers import Charter, Design, Review, Task
from hekaton_runtime.brief import Finding, ToolName
from hekaton_runtime.results import Examined

Topology = Literal["all-to-all", "ring", "star", "pairs", "pipeline"]
Arbiter = Literal["ballot", "auditor", "evidence"]
Tier = Literal["small", "medium", "large"]
Status = Literal["merged", "unverified", "failed", "stopped", "unused"]
"""Unused work was not chosen; unverified work is in the result though its own checks failed."""


@dataclass(frozen=True, slots=True)
class Seat:
    """One entry of the formation's roles."""

    name: str
    role: str
    tier: Tier = "medium"
    model: str = ""
    cost: int = 0
    """Of a million answer tokens, micro-dollars."""


@dataclass(frozen=True, slots=True)
class Team:
    """Who can be asked."""

    seats: tuple[Seat, ...]

    def named(self, *roles: str) -> tuple[Seat, ...]:
        """All seats of these roles, role by role in the order asked for."""
        return tuple(seat for role in roles for seat in self.seats if seat.role == role)

    def first(self, *roles: str) -> Seat:
        """The first seat of the first role that the team has; formations are checked beforehand."""
        return self.named(*roles)[0]


@dataclass(frozen=True, slots=True)
class Rules:
    """How hard to try."""

    max_loops: int = 2
    """Repairs after the first build."""
    attempts: int = 2
    """Tries of one task before the others go on without it."""
    pass_score: float = 7.0
    """Weighted rubric score, 0 to 10, that an artifact needs."""
    weights: tuple[float, float, float, float] = (0.4, 0.2, 0.2, 0.2)
    """Of correctness, style, security, test coverage."""
    tools: tuple[ToolName, ...] = ("ruff", "mypy", "bandit", "coverage")
    """Asked before the auditors; what they find bounds the grades."""
    debate_rounds: int = 1
    """Rounds of critique after the first proposals."""
    topology: Topology = "all-to-all"
    arbiter: Arbiter = "ballot"
    quorum: int = 0
    """Answers that suffice when a round's time is up; 0 means all."""
    round_seconds: float = 120.0
    swarm: bool = True
    """False skips DISCOVER, DEBATE and SCAFFOLD."""
    skip_below: Literal["", "LOW", "MEDIUM", "HIGH"] = ""
    """Missions rated below this need no planning swarm; empty: only those called trivial."""
    samples: int = 5
    """Independent answers of mode `vote`."""
    barrier: bool = False
    """True lets no task of a plan start before all of the wave before have ended."""
    grace: float = 60.0
    """Seconds that a worker always has before it can count as late."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """One mission as its strategy sees it: no credentials, no addresses, no hidden tests."""

    goal: str
    acceptance: tuple[str, ...]
    acceptance_seconds: float
    team: Team
    rules: Rules


@dataclass(frozen=True, slots=True)
class TaskEnd:
    """How one task of the plan ended."""

    task: Task
    branch: str
    status: Status
    attempts: int
    seat: str
    why: str = ""
    action: str = ""
    """A digest of the last patch, so that a repetition is seen."""
    changed: bool = True
    """False where all that it wrote was there already."""


@dataclass(frozen=True, slots=True)
class DebateRound:
    """One round: what was proposed under which alias, and the ballots cast right after it."""

    proposals: tuple[tuple[str, str], ...]
    """(alias, approach)"""
    votes: tuple[tuple[str, str], ...]
    """(voter's seat, alias)"""
    winner: str
    passed: tuple[tuple[str, bool], ...] = ()
    """(alias, did it pass acceptance), where that was tried."""


@dataclass(frozen=True, slots=True)
class Debate:
    """The whole debate. `rounds[0].winner` is what a plain vote would have chosen."""

    rounds: tuple[DebateRound, ...]
    seats: tuple[tuple[str, str], ...]
    """(alias, seat): revealed in the report only."""
    winner: str
    approach: str
    why: str = ""
    """Why it ended when it did, or was not opened at all."""
    topology: Topology = "all-to-all"
    arbiter: Arbiter = "ballot"
    branch: str = ""
    """Where the winner's work is, if it was written."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The mode that `auto` chose, and the observations that decided."""

    mode: str
    why: str


@dataclass(frozen=True, slots=True)
class Turn:
    """One repair, as far as it takes to see that work goes in circles."""

    action: str
    changed: bool


@dataclass(frozen=True, slots=True)
class Loop:
    """One turn of verify and audit."""

    accepted: bool
    evidence: str
    """Command and output of the acceptance run."""
    review: Review | None = None
    """With no grade above what the evidence allows."""
    score: float | None = None
    examined: Examined | None = None
    """What the tools said; None where they were not asked."""
    given: Review | None = None
    """As the auditors gave it, before evidence bounded it."""


@dataclass(frozen=True, slots=True)
class Conclusion:
    """How a mission ended, in its strategy's own words."""

    outcome: Literal["passed", "failed", "stopped"]
    reason: str
    branch: str = "base"
    """Where the best tree is."""
    loops: tuple[Loop, ...] = ()
    tasks: tuple[TaskEnd, ...] = ()
    debate: Debate | None = None
    design: Design | None = None
    findings: tuple[Finding, ...] = ()
    reviewed: bool = False
    skipped: str = ""
    """Why the planning swarm was skipped; empty when it was not."""
    choice: Choice | None = None


@dataclass(slots=True)
class Story:
    """What has happened so far, so that a mission cut short (budget, a mute agent) still tells it all.

    The one mutable value of a strategy; made anew by each replay.
    """

    debate: Debate | None = None
    design: Design | None = None
    skipped: str = ""
    tasks: list[TaskEnd] = field(default_factory=list)
    loops: list[Loop] = field(default_factory=list)
    findings: tuple[Finding, ...] = ()
    edition: int = 1
    """By which edition of the strategies the mission was begun, and is worked to its end."""
    choice: Choice | None = None
    charter: Charter | None = None
    turns: list[Turn] = field(default_factory=list)

    def end(
        self, outcome: Literal["passed", "failed", "stopped"], reason: str, branch: str
    ) -> Conclusion:
        reviewed = bool(self.loops) and self.loops[-1].review is not None
        return Conclusion(
            outcome=outcome, reason=reason, branch=branch, loops=tuple(self.loops), tasks=tuple(self.tasks),
            debate=self.debate, design=self.design, findings=self.findings, reviewed=reviewed,
            skipped=self.skipped, choice=self.choice,
        )  # fmt: skip
