"""Mission: one goal, the commands that decide whether it is reached, and what it may cost."""

from collections.abc import Iterable
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from hekaton_api.blocks import Review
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
from hekaton_api.problems import Problem
from hekaton_api.sources import Artifact, Files, Workspace, clashes
from hekaton_api.status import MissionStatus
from hekaton_api.units import micros, seconds

Mode: TypeAlias = Literal["swarm", "single", "vote", "debate", "flat", "hierarchical", "auto"]
MAX_GOAL = 20_000
"""Longest goal, characters."""


class Acceptance(Part):
    """Commands that must all pass; they decide before any reviewer does."""

    commands: Annotated[tuple[Line, ...], Field(min_length=1, max_length=16)]
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

    goal: Annotated[str, Field(min_length=1, max_length=MAX_GOAL)]
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
    cancel: Flag = False
    """Stop at once and for good; never undone. Default false."""
    retries: Annotated[Whole, Field(ge=0, le=10), Hint("retries", "0")] = 0
    """Fresh starts after a failure, within the same budget. Default 0."""
    artifact: Artifact | None = None
    """Where the result goes. Absent leaves it in the workspace."""
    ttl_after_finished: Pause | None = None
    """Time until a finished mission is deleted. Absent keeps it."""

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
