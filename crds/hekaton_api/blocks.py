"""The settings of a formation, from routing and debate to updates and the daily budget."""

from collections.abc import Iterable
from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import Field

from hekaton_api.cel import Cel, Distinct
from hekaton_api.fields import (
    LIST,
    Duration,
    Flag,
    Hint,
    Name,
    Part,
    Real,
    Tokens,
    Unit,
    Usd,
    Whole,
)
from hekaton_api.problems import Problem
from hekaton_api.units import micros, seconds

Topology: TypeAlias = Literal["all-to-all", "ring", "star", "pairs", "pipeline"]
MemoryTier: TypeAlias = Literal[
    "episodic", "semantic", "procedural", "resource", "knowledge", "core"
]
TIERS: tuple[MemoryTier, ...] = (
    "episodic",
    "semantic",
    "procedural",
    "resource",
    "knowledge",
    "core",
)

EvidenceTool: TypeAlias = Literal["ruff", "mypy", "bandit", "coverage"]
EVIDENCE: tuple[EvidenceTool, ...] = ("ruff", "mypy", "bandit", "coverage")


class Routing(Part):
    """How a model is chosen for a role whose model is auto."""

    policy: Literal["fixed", "cost", "quality"] = "cost"
    """fixed: the first model that can serve; cost: the cheapest that meets qualityTarget; quality:
    the best that the budget allows. Default cost."""
    quality_target: Unit = 0.8
    """Least predicted chance of a usable answer, 0 to 1. Default 0.8."""
    budget: Usd | None = None
    """Most that API models may cost per mission, US dollars. Absent means the mission's budget."""
    fallbacks: Annotated[tuple[Name, ...], Field(max_length=LIST)] = ()
    """Models to try in this order when the chosen one fails, at most 64. Default none."""


class Debate(Part):
    """How agents argue about an approach."""

    topology: Topology = "all-to-all"
    """Who hears whom. Default all-to-all."""
    max_rounds: Annotated[Whole, Field(ge=0, le=10), Hint("rounds", "1")] = 1
    """Rounds of critique after the first proposals; 0 is a plain vote. Default 1."""
    quorum: Annotated[Whole, Field(ge=0, le=1024), Hint("agents", "0")] = 0
    """Answers that close a round at its deadline; 0 means all. Default 0."""
    round_timeout: Duration = "120s"
    """Longest round, as a duration. Default 120s."""
    arbiter: Literal["ballot", "auditor", "evidence"] = "ballot"
    """Who decides: the agents' vote, the auditor, or executable checks. Default ballot."""

    @property
    def round_seconds(self) -> int:
        """Longest round, seconds."""
        return seconds(self.round_timeout)


SUM = "self.correctness + self.style + self.security + self.testCoverage"
SLACK = 0.001 + 1e-9
"""How far the weights of a rubric may be from 1, together."""


class Rubric(Part):
    """Weights of the auditor's scores; together they are 1."""

    correctness: Unit = 0.4
    """Weight of correctness, 0 to 1. Default 0.4."""
    style: Unit = 0.2
    """Weight of style, 0 to 1. Default 0.2."""
    security: Unit = 0.2
    """Weight of security, 0 to 1. Default 0.2."""
    test_coverage: Unit = 0.2
    """Weight of test coverage, 0 to 1. Default 0.2."""
    CEL: ClassVar[tuple[Cel, ...]] = (
        Cel(
            f"{SUM} - 1.0 <= {SLACK!r} && 1.0 - ({SUM}) <= {SLACK!r}",
            "has weights that do not sum to 1. "
            "Change correctness, style, security and testCoverage so that they do.",
        ),
    )

    def breaches(self) -> Iterable[Problem]:
        total = self.correctness + self.style + self.security + self.test_coverage
        if abs(total - 1) > SLACK:
            remedy = (
                "Change the weights so that correctness, style, security and testCoverage sum to 1."
            )
            yield Problem((), f"has weights that sum to {total:g}, not to 1", remedy)


class Review(Part):
    """How the auditor judges, and how often the team may try again."""

    rubric: Rubric = Field(default_factory=Rubric)
    """Weights of the scores. Default 0.4 for correctness, 0.2 for each other."""
    pass_score: Annotated[Real, Field(ge=0, le=10), Hint(example="7")] = 7.0
    """Least weighted score that passes, 0 to 10. Default 7."""
    max_loops: Annotated[Whole, Field(ge=0, le=10), Hint("loops", "2")] = 2
    """Times that findings go back to the builders, 0 to 10. Default 2."""
    evidence: Annotated[tuple[EvidenceTool, ...], Field(max_length=4), Distinct()] = EVIDENCE
    """Tools asked before the auditors, each once; what they find bounds the grades. Default all four."""


class Planning(Part):
    """Whether a team plans before it builds."""

    swarm: Flag = True
    """Let researchers look around and debate before the plan is made. Default true."""
    skip_below: Literal["none", "LOW", "MEDIUM", "HIGH"] = "none"
    """Missions rated below this complexity are built without the swarm. Default none."""
    samples: Annotated[Whole, Field(ge=1, le=64), Hint("samples", "5")] = 5
    """Independent answers of mode vote, 1 to 64. Default 5."""
    attempts: Annotated[Whole, Field(ge=1, le=10), Hint("tries", "2")] = 2
    """Tries of one task of a plan before the others go on without it, 1 to 10. Default 2."""
    barrier: Flag = False
    """Start no task of a wave before all of the wave before have ended. Default false."""
    grace: Duration = "60s"
    """Time that a worker of a hierarchy always has before it can count as late. Default 60s."""

    @property
    def grace_seconds(self) -> int:
        """Time that a worker always has, seconds."""
        return seconds(self.grace)


class Memory(Part):
    """What agents recall from earlier missions."""

    tiers: Annotated[tuple[MemoryTier, ...], Field(max_length=6), Distinct()] = TIERS
    """Tiers in use, each once; an empty list turns memory off. Default all six."""
    recall_tokens: Annotated[Whole, Field(ge=0, le=131_072), Hint("tokens", "1024")] = 1024
    """Most tokens of recalled text in one prompt. Default 1024."""
    consolidate_every: Duration = "15m"
    """Time between two runs of the consolidator. Default 15m."""

    @property
    def consolidate_seconds(self) -> int:
        """Seconds between two runs of the consolidator."""
        return seconds(self.consolidate_every)

    def breaches(self) -> Iterable[Problem]:
        twice = (i for i, tier in enumerate(self.tiers) if tier in self.tiers[:i])
        return (Problem(("tiers", i), "is given twice", "Name each tier once.") for i in twice)


class Prompts(Part):
    """Where prompt templates come from."""

    config_map: Name | None = None
    """ConfigMap in the same namespace with keys <role>-<tier> that replace the shipped templates.
    Absent means the shipped ones."""


class Update(Part):
    """How a new revision takes over from the current one."""

    strategy: Literal["InPlace", "BlueGreen", "DrainAndSwap"] = "DrainAndSwap"
    """InPlace restarts what changed; BlueGreen runs both and switches; DrainAndSwap lets missions
    end first and needs no spare hardware. Default DrainAndSwap."""
    drain_timeout: Duration = "10m"
    """Longest wait for running missions. Default 10m."""

    @property
    def drain_seconds(self) -> int:
        """Longest wait for running missions, seconds."""
        return seconds(self.drain_timeout)


class DayBudget(Part):
    """What all missions of the formation may use in one day (UTC)."""

    usd_per_day: Usd | None = None
    """US dollars per day. Absent means no limit."""
    tokens_per_day: Tokens | None = None
    """Tokens per day. Absent means no limit."""

    @property
    def usd_micros(self) -> int | None:
        """Micro-dollars per day; None means no limit."""
        return None if self.usd_per_day is None else micros(self.usd_per_day)
