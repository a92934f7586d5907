"""What comes back for an effect: closed unions, so that a strategy says what it does in each case."""

from typing import Literal

import msgspec

from hekaton_runtime.brief import FileText, Finding, ToolName

FailureKind = Literal[
    "invalid",  # the answer is not the JSON that was asked for
    "truncated",  # the model stopped at its token limit
    "unavailable",  # the endpoint refused or was away, after all retries; nothing was billed
    "rejected",  # the endpoint says the request itself is wrong; nothing was billed
    "unknown",  # the call may have been billed: it stays charged at its reservation
    "lost",  # the agent vanished with the question: likewise
    "late",  # the round closed before the answer came: likewise
]


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens as the server counted them; `estimated` where it did not say."""

    prompt_tokens: int
    completion_tokens: int
    estimated: bool = False


class Answer(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """A checked answer: `text` is JSON of the type that was asked for."""

    text: str
    agent: str
    model: str
    tokens: int
    micros: int
    """Cost in micro-dollars."""


class Refused(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """The ledger has no room: nothing was sent, nothing is charged."""

    account: str
    needed_tokens: int
    left_tokens: int
    needed_micros: int
    left_micros: int

    def __str__(self) -> str:
        return (
            f"account {self.account!r} has {self.left_tokens} tokens and ${self.left_micros / 1e6:.6f} left; "
            f"the call needs up to {self.needed_tokens} tokens and ${self.needed_micros / 1e6:.6f}"
        )


class Failed(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """No usable answer. What it cost is in the ledger already."""

    kind: FailureKind
    detail: str


class Stopped(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """The branch or the mission was stopped while this was under way."""

    reason: str


Asked = Answer | Refused | Failed | Stopped


class HeardAll(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """A closed debate round, in the order of its asks."""

    answers: tuple[Asked, ...]
    quorate: bool
    head: str
    """Last hash of the transcript's chain; the next round goes on from it."""
    transcript: bytes = b""
    """The chain's new entries, as `bus.transcript` packs them."""
    order: tuple[int, ...] = ()
    """A drawn order of the asks, for whoever shows the answers to others; empty in older journals."""


class Files(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Every path of the tree, and the text files that fit the limit."""

    tree: tuple[str, ...]
    files: tuple[FileText, ...]


class Written(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Committed; `changed` is False when the files already had this content."""

    commit: str
    changed: bool


class Rejected(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Nothing was written: a path leaves the worktree, touches .git, is too large, ..."""

    findings: tuple[Finding, ...]


class Ran(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """The commands ran until the first failure (or all); `output` is the last of what they printed."""

    passed: bool
    command: str
    exit_code: int
    output: str
    seconds: float
    findings: tuple[Finding, ...] = ()
    """Refusals of the sandbox and of limits, in words."""


ToolState = Literal[
    "ran",
    "absent",  # not installed where commands run
    "failed",  # it could not do its work, or what it said cannot be read
    "unsuited",  # nothing that it could look at was changed
]


class ToolReport(msgspec.Struct, frozen=True, kw_only=True):
    """What one tool said of the lines that were changed; only `ran` without findings means clean."""

    tool: ToolName
    state: ToolState
    detail: str = ""
    """Why it did not run, or what it measured."""
    findings: tuple[Finding, ...] = ()
    """The gravest first."""
    more: int = 0
    """Findings beyond those that are kept."""
    lines: int = 0
    """Statements among the changed lines; coverage alone counts them."""
    covered: int = 0
    """Those of them that acceptance ran."""


class Examined(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """One report for each tool that was asked for, in that order."""

    reports: tuple[ToolReport, ...]
    files: tuple[str, ...] = ()
    """The changed files that were looked at."""


class Merged(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    commit: str
    edition: int = 1
    """Of the strategies of who did it; a journal's first merge says by which rules it is replayed."""


class Unmerged(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """The target is unchanged: a conflict, or the gate failed on the merged tree."""

    kind: Literal["conflict", "gate"]
    detail: str
    ran: Ran | None = None


class Noted(msgspec.Struct, frozen=True, tag=True):
    pass


class Clock(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Seconds since 1970."""

    at: float


class Allotted(msgspec.Struct, frozen=True, kw_only=True):
    """What one account may still spend after a `Share`."""

    account: tuple[str, ...]
    tokens: int
    micros: int


class Shared(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """What was left, and who may use how much of it: the parts sum to the whole."""

    tokens: int
    micros: int
    parts: tuple[Allotted, ...]


Result = (
    Answer
    | Refused
    | Failed
    | Stopped
    | HeardAll
    | Files
    | Written
    | Rejected
    | Ran
    | Examined
    | Merged
    | Unmerged
    | Noted
    | Clock
    | Shared
)
