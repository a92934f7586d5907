"""Mission: one goal, the commands that decide whether it is reached, and what it may cost."""

from collections.abc import Iterable
from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import Field

from hekaton_api.blocks import Review
from hekaton_api.cel import VISIBLE, Cel
from hekaton_api.fields import (
    Duration,
    Flag,
    Hint,
    Line,
    Name,
    Part,
    Pause,
    Tokens,
    Usd,
    Whole,
)
from hekaton_api.meta import ObjectMeta
from hekaton_api.nul import NoNul
from hekaton_api.problems import Problem
from hekaton_api.sources import Artifact, Files, Workspace, clashes
from hekaton_api.status import MissionStatus
from hekaton_api.units import micros, seconds

Mode: TypeAlias = Literal["swarm", "single", "vote", "debate", "flat", "hierarchical", "auto"]
MAX_GOAL = 20_000
"""Longest goal, characters."""


Command: TypeAlias = Annotated[
    Line,
    Cel(f"self.{VISIBLE}", "is empty. Write a shell command, e.g. python -m pytest -q."),
]
Goal: TypeAlias = Annotated[
    str,
    Field(min_length=1, max_length=MAX_GOAL),
    NoNul(),
    Cel(
        f"self.{VISIBLE}",
        "is blank. Say in words what to reach, e.g. goal: Make the tests pass.",
    ),
    Cel("self == oldSelf", "is never changed. Delete this mission and submit another."),
]
"""A rule with `oldSelf` is about a change: only the API server knows the object before it."""
Latch: TypeAlias = Annotated[
    Flag,
    Cel("!oldSelf || self", "is never undone. Submit the mission again under another name."),
]


class Acceptance(Part):
    """Commands that must all pass; they decide before any reviewer does."""

    commands: Annotated[tuple[Command, ...], Field(min_length=1, max_length=16)]
    """Shell commands run in this order in the root of the workspace, 1 to 16. Required."""
    timeout: Duration = "10m"
    """Longest time for all commands together. Default 10m."""
    files: Files = ()
    """Hidden files, at most 64, laid over the tree only while acceptance runs and never shown to an
    agent. Default none."""

    @property
    def timeout_seconds(self) -> int:
        """Longest time for all commands together, seconds."""
        return seconds(self.timeout)

    def breaches(self) -> Iterable[Problem]:
        blank = (i for i, command in enumerate(self.commands) if not command.strip())
        remedy = "Write a shell command, e.g. python -m pytest -q."
        yield from (Problem(("commands", i), "is empty", remedy) for i in blank)
        yield from clashes("files", self.files)


class Budget(Part):
    """The most a mission may use; it is never exceeded."""

    tokens: Tokens
    """Tokens, prompt and answer together, at least 1. Required."""
    usd: Usd
    """US dollars, above 0, to a millionth. Required."""
    wall_clock: Duration = "1h"
    """Longest time from start to end. Default 1h."""

    @property
    def usd_micros(self) -> int:
        """The money in micro-dollars, exactly."""
        return micros(self.usd)

    @property
    def wall_clock_seconds(self) -> int:
        """Longest time from start to end, seconds."""
        return seconds(self.wall_clock)


class MissionSpec(Part):
    """What is to be done."""

    goal: Goal
    """What to reach, 1 to 20000 characters; never changed afterwards. Required."""
    formation: Name
    """Name of the formation that works on it, in the same namespace. Required."""
    mode: Mode = "swarm"
    """How it is worked; auto chooses from the goal and the roles. Default swarm."""
    workspace: Workspace
    """Where the code comes from. Required."""
    acceptance: Acceptance
    """What decides success. Required."""
    budget: Budget
    """What it may use. Required."""
    review: Review | None = None
    """Replaces the formation's review. Absent keeps it."""
    priority: Annotated[Whole, Field(ge=-1000, le=1000), Hint(example="0")] = 0
    """Place in the queue; higher goes first. Default 0."""
    suspend: Flag = False
    """Hold the mission back, or stop after the step under way. Default false."""
    cancel: Latch = False
    """Stop at once and for good; never undone. Default false."""
    retries: Annotated[Whole, Field(ge=0, le=10), Hint("retries", "0")] = 0
    """Fresh starts after a failure, within the same budget. Default 0."""
    artifact: Artifact | None = None
    """Where the result goes. Absent leaves it in the workspace."""
    ttl_after_finished: Pause | None = None
    """Time until a finished mission is deleted. Absent keeps it."""
    CEL: ClassVar[tuple[Cel, ...]] = (
        Cel(
            "!has(self.artifact) || !has(self.artifact.git) || has(self.workspace.git)",
            "has no repository to be pushed to. Give workspace.git, or use artifact.pvc.",
            at=".artifact.git",
        ),
    )

    @property
    def ttl_seconds(self) -> int | None:
        """Seconds until a finished mission is deleted; None keeps it."""
        return None if self.ttl_after_finished is None else seconds(self.ttl_after_finished)

    def breaches(self) -> Iterable[Problem]:
        if not self.goal.strip():
            remedy = "Say in words what to reach, e.g. goal: Make the tests pass."
            yield Problem(("goal",), "is blank", remedy)
        if self.artifact and self.artifact.git and self.workspace.git is None:
            remedy = "Give workspace.git, or use artifact.pvc."
            yield Problem(("artifact", "git"), "has no repository to be pushed to", remedy)


def _fixed(name: str) -> Cel:
    """A field that is part of the snapshot which an admitted mission works on."""
    admitted = "oldSelf.status.conditions.exists(c, c.type == 'Admitted' && c.status == 'True')"
    return Cel(
        f"!has(oldSelf.status) || !has(oldSelf.status.conditions) || !{admitted} "
        f"|| self.spec.{name} == oldSelf.spec.{name}",
        "is fixed once the mission is admitted. Submit another mission.",
        at=f".spec.{name}",
    )


def _covers(name: str) -> Cel:
    """A cap that is lowered still covers what is spent."""
    spent = f"oldSelf.status.spent.{name}"
    return Cel(
        f"self.spec.budget.{name} >= oldSelf.spec.budget.{name} || !has(oldSelf.status) "
        f"|| !has(oldSelf.status.spent) || !has({spent}) || self.spec.budget.{name} >= {spent}",
        "is less than what is spent. Give at least that, or cancel the mission.",
        at=f".spec.budget.{name}",
    )


class Mission(Part):
    """A mission as it stands in a file or in the cluster."""

    api_version: Literal["hekaton.dev/v1alpha1"]
    """Group and version: hekaton.dev/v1alpha1. Required."""
    kind: Literal["Mission"]
    """The word Mission. Required."""
    metadata: ObjectMeta
    """Name and labels. Required."""
    spec: MissionSpec
    """What is wanted. Required."""
    status: MissionStatus | None = None
    """What is. Written by the operator only."""
    CEL: ClassVar[tuple[Cel, ...]] = (
        *(_fixed(name) for name in ("formation", "mode", "workspace", "acceptance")),
        _covers("tokens"),
        _covers("usd"),
    )
