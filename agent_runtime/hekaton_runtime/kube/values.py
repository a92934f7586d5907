"""What the CLI reads of the cluster's objects; fields that it does not know are passed over."""

from datetime import datetime

import msgspec

ENDS = {"Succeeded": 0, "Failed": 1, "Cancelled": 3, "BudgetExhausted": 3}
"""Conditions that end a mission, with the exit code that the same end has on a laptop."""


class Meta(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    namespace: str = ""
    creation_timestamp: datetime | None = None
    labels: dict[str, str] = {}
    deletion_timestamp: datetime | None = None


class Condition(msgspec.Struct, frozen=True, rename="camel"):
    type: str
    status: str
    reason: str = ""
    message: str = ""


class Amount(msgspec.Struct, frozen=True, rename="camel"):
    tokens: int = 0
    usd: float = 0.0


class Tasks(msgspec.Struct, frozen=True, rename="camel"):
    done: int = 0
    total: int = 0


class Delivered(msgspec.Struct, frozen=True, rename="camel"):
    branch: str | None = None
    commit: str | None = None
    location: str | None = None


class Budget(msgspec.Struct, frozen=True, rename="camel"):
    tokens: int = 0
    usd: float = 0.0


class Spec(msgspec.Struct, frozen=True, rename="camel"):
    goal: str
    formation: str
    mode: str = "swarm"
    budget: Budget = Budget()
    cancel: bool = False


class Scores(msgspec.Struct, frozen=True, rename="camel"):
    weighted: float = 0.0


class Status(msgspec.Struct, frozen=True, rename="camel"):
    phase: str = "pending"
    round: int = 0
    wave: int = 0
    queue_position: int | None = None
    tasks: Tasks = Tasks()
    spent: Amount = Amount()
    reserved: Amount = Amount()
    artifact: Delivered | None = None
    sitrep: str | None = None
    scores: Scores | None = None
    start_time: datetime | None = None
    completion_time: datetime | None = None
    conditions: tuple[Condition, ...] = ()


class Mission(msgspec.Struct, frozen=True, rename="camel"):
    """A Mission of the cluster."""

    metadata: Meta
    spec: Spec
    status: Status = Status()

    @property
    def end(self) -> Condition | None:
        """The condition that ended it; None while it has not."""
        return next(
            (c for c in self.status.conditions if c.type in ENDS and c.status == "True"), None
        )

    @property
    def state(self) -> str:
        """In a word or two, as `kubectl get` would show it."""
        if end := self.end:
            return end.type
        running = self.condition("Running")
        if running and running.status == "True":
            return "Running"
        waiting = running if running and running.reason else self.condition("Admitted")
        return waiting.reason if waiting and waiting.reason else "Pending"

    @property
    def sentence(self) -> str:
        """Why it is in that state."""
        told = self.end or self.condition("Running") or self.condition("Admitted")
        return told.message if told else "The operator has not seen it yet."

    def condition(self, name: str) -> Condition | None:
        return next((c for c in self.status.conditions if c.type == name), None)


class Pod(msgspec.Struct, frozen=True, rename="camel"):
    metadata: Meta


class Report(msgspec.Struct, frozen=True, rename="camel"):
    """The ConfigMap with a mission's papers."""

    data: dict[str, str] = {}
    binary_data: dict[str, str] = {}
    """Base64."""
