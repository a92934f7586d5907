"""The seams of the workspace: where code lives (git) and where commands run (a sandbox)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from hekaton_runtime.effects import Examine, Merge, Read, Run, Write
from hekaton_runtime.errors import Unavailable
from hekaton_runtime.results import Examined, Files, Merged, Ran, Rejected, Unmerged, Written


@dataclass(frozen=True, slots=True)
class Limits:
    """What one command may use."""

    seconds: float = 600.0
    """Wall clock, after which the whole process tree is killed."""
    memory_mib: int = 2048
    """Address space per process, MiB; 0 leaves it open (Go and Java reserve more than they use)."""
    processes: int = 128
    """Processes and threads at once."""
    file_mib: int = 256
    """Largest file that may be written, MiB."""
    disk_mib: int = 1024
    """Growth of the worktree, MiB, after which the command is killed."""
    output_kib: int = 64
    """Kept output, KiB: the head and the tail of what was printed."""


@dataclass(frozen=True, slots=True)
class Execution:
    """What a command did. `exit_code` is negative for a signal, as in subprocess."""

    exit_code: int
    output: str
    seconds: float
    breaches: tuple[str, ...] = ()
    """Limits that ended or hindered it, in words: "timed out after 5 s", "wrote more than 1024 MiB"."""


class Lost(Unavailable):
    """Whatever ran the command is gone, and with it the command; its folder may be half changed."""


class Sandbox(Protocol):
    """Runs one shell command confined to a folder."""

    async def run(self, command: str, folder: Path, limits: Limits) -> Execution:
        """Run with no network, no credentials, and write access to `folder` and a private /tmp only.

        Never raises for what the command does; raises `Unavailable` if confinement cannot be had,
        `Lost` if another process ran it and died.
        Cancelling the task kills the whole process tree before it returns.
        """
        ...


class Workspace(Protocol):
    """One mission's repository. Every method may be called again after a crash with the same effect."""

    async def read(self, effect: Read) -> Files: ...

    async def write(self, effect: Write) -> Written | Rejected: ...

    async def run(self, effect: Run) -> Ran: ...

    async def examine(self, effect: Examine) -> Examined: ...

    async def merge(self, effect: Merge) -> Merged | Unmerged: ...
