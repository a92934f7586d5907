"""What the service can be asked for, whoever does the work: missions in this process, or in a cluster."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Literal, NewType, Protocol

from hekaton_api.mission import Mode
from hekaton_runtime.errors import HekatonError

Client = NewType("Client", str)
"""Name of the API key that a request came with."""
LOCAL = Client("local")
"""Whoever asks from this machine while no key is configured."""
State = Literal["queued", "running", "waiting", "passed", "failed", "stopped"]
FINAL = ("passed", "failed", "stopped")
QUIET = 15.0
"""Seconds of silence that connections between us and a client are sure to outlive."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A task as a client gives it."""

    task: str
    tokens: int
    mode: Mode | None = None
    """None: the service's."""
    acceptance: tuple[str, ...] = ()
    """Commands that decide; empty: nothing but the work's own checks does."""
    word: str | None = None
    """The client's own word for this submission: said again, no second mission is made."""


@dataclass(frozen=True, slots=True)
class Links:
    """Where the rest of a mission is found, relative to the service."""

    self: str
    events: str
    cancel: str
    sitrep: str
    artifact: str

    @classmethod
    def of(cls, mission: str) -> "Links":
        here = f"/missions/{mission}"
        return cls(here, f"{here}/events", f"{here}/cancel", f"{here}/sitrep", f"{here}/artifact")


@dataclass(frozen=True, slots=True)
class View:
    """How a mission stands."""

    id: str
    state: State
    position: int
    """Place in the queue, from 1; 0 once it was begun."""
    reason: str
    task_description: str
    total_budget_tokens: int
    mode: str
    phase: str
    detail: str
    wave: int
    tasks_done: int
    tasks_total: int
    score: float | None
    spent_tokens: int
    reserved_tokens: int
    spent_usd: float
    simulated: bool
    created: float
    """Seconds since 1970."""
    started: float | None
    ended: float | None
    links: Links

    @property
    def final(self) -> bool:
        return self.state in FINAL


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of a mission's journal, for whoever follows it."""

    seq: int
    kind: str
    """Answer, Ran, Merged, Noted, Halted, ...: as in the journal."""
    path: str
    at: float
    """Seconds since 1970."""
    text: str


@dataclass(frozen=True, slots=True)
class Shown:
    """How the mission stands now; `seq` is the last line that came before it."""

    seq: int
    view: View = field(repr=False)


Event = Moment | Shown


class Unknown(HekatonError):
    """No such mission, or it is somebody else's."""


class Full(HekatonError):
    """The queue has no room; nothing was taken in."""


class Clash(HekatonError):
    """What is asked for does not go with how the mission stands."""


class Desk(Protocol):
    """Takes tasks in and tells of them. Each client sees the missions of its own key and no others."""

    async def submit(self, client: Client, wanted: Submission) -> View:
        """Keep it for good, then return. Raises `Full`, `Clash` for a word that meant another task, `BadInput`."""

    async def listed(self, client: Client, limit: int, before: str) -> tuple[View, ...]:
        """The newest first; `before`: those older than this mission. Raises `Unknown`."""

    async def view(self, client: Client, mission: str) -> View:
        """Raises `Unknown`."""

    async def cancel(self, client: Client, mission: str) -> View:
        """Stop it for good; again without harm. Raises `Unknown`, `Clash` where it has ended by itself."""

    def events(self, client: Client, mission: str, after: int) -> AsyncIterator[Event]:
        """Journal lines after a number, with each change of the view, until the mission has ended; in
        silence the view again every `QUIET` seconds."""


Paper = Literal["sitrep", "artifact"]


class Papers(Protocol):
    """What a mission leaves."""

    async def paper(self, client: Client, mission: str, name: Paper) -> bytes:
        """SITREP.md, or the patch. Raises `Unknown`, `Clash` while there is none."""
