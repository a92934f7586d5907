"""What a strategy may ask for: a closed union of values. Whoever performs them lives in `conductor/`.

Branches: `Spawn` starts one (its name becomes part of the journal path), `Next` waits until any of
the named branches ends, `Stop` interrupts one. `All` performs independent effects at once.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import msgspec

from hekaton_runtime.answers import AnswerName, FileChange
from hekaton_runtime.brief import Brief, ToolName

Phase = str


class Ask(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """One question to one agent of the formation -> Answer | Refused | Failed | Stopped."""

    agent: str
    """The name of an entry of the formation's `roles`."""
    brief: Brief
    answer: AnswerName
    account: tuple[str, ...] = ()
    """Nested accounts under the mission's that this call is charged to, outermost first."""
    sample: int = 0
    """Distinguishes several questions with the same words; becomes the model's seed."""


class Round(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """One debate round: all asked at once, closed by everybody, or by quorum and deadline -> HeardAll."""

    asks: tuple[Ask, ...]
    quorum: int
    """Answers that suffice at the deadline; 0 means all."""
    seconds: float
    topic: str
    head: str = ""
    """Where the transcript's hash chain stands."""


class Read(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """The text files of a branch of the workspace -> Files. Empty `paths` means all, up to `limit` bytes."""

    branch: str
    paths: tuple[str, ...] = ()
    limit: int = 65_536


class Write(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Write files in a branch's own worktree (made from `base` when new) and commit -> Written | Rejected."""

    branch: str
    base: str
    files: tuple[FileChange, ...]
    message: str


class Run(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Run commands, sandboxed, in a branch's worktree, stopping at the first failure -> Ran."""

    branch: str
    commands: tuple[str, ...]
    seconds: float
    acceptance: bool = False
    """Overlay the mission's hidden acceptance files on a scratch copy, and show no output of them."""


class Examine(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Look with tools at what a branch changed against `base`, sandboxed -> Examined."""

    branch: str
    tools: tuple[ToolName, ...]
    commands: tuple[str, ...] = ()
    """Acceptance, for the tool that watches which lines it runs."""
    seconds: float = 600.0
    """For each tool."""
    base: str = "base"


class Merge(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Merge one branch into another if the gate commands pass on the merged tree -> Merged | Unmerged."""

    source: str
    into: str
    commands: tuple[str, ...] = ()
    seconds: float = 600.0
    acceptance: bool = False


class Note(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Progress, for people and the status: a phase and what happens in it -> None."""

    phase: str
    text: str = ""
    tasks_done: int = -1
    tasks_total: int = -1
    round: int = -1
    wave: int = -1


class Now(msgspec.Struct, frozen=True, tag=True):
    """The time -> Clock."""


class Pause(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Let time pass, beside other branches -> Clock at its end."""

    seconds: float


class Portion(msgspec.Struct, frozen=True, kw_only=True):
    """One account's part in a `Share`."""

    account: tuple[str, ...]
    weight: int
    """Above 0; only its ratio to the other weights counts."""


class Share(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Divide all that the mission has left among accounts, exactly and by weight -> Shared.

    Each account is capped at what it spent and holds reserved, plus its share; sharing again moves the caps.
    """

    portions: tuple[Portion, ...]


Effect = Ask | Round | Read | Write | Run | Examine | Merge | Note | Now | Pause | Share


class All(msgspec.Struct, frozen=True, tag=True):
    """Independent effects at once -> a tuple of their results in the same order."""

    effects: tuple[Effect, ...]


@dataclass(frozen=True, slots=True)
class Spawn:
    """Start a branch; its name is part of the journal path and unique within its parent."""

    name: str
    body: "Strategy"


@dataclass(frozen=True, slots=True)
class Next:
    """Wait until any of these branches ends -> (name, its value)."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stop:
    """Interrupt a branch -> the results that it had journaled until then, in order."""

    name: str


Wish = Effect | All | Spawn | Next | Stop
Strategy = Generator[Wish, Any, Any]
