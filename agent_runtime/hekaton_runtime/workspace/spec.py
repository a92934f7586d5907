"""What the parent tells the launcher and what the launcher tells back: two values, one JSON line each.

The launcher is a bare interpreter (`-I -S`), so these types need the standard library alone.
"""

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Spec:
    """One command and everything it may use. Paths are absolute."""

    command: str
    folder: str
    private: str
    """A folder of this run alone; holds `tmp`, `shm` and the mount point `root`."""
    readable: tuple[str, ...]
    path: str
    """PATH of the command."""
    seconds: float
    memory_mib: int
    processes: int
    file_mib: int
    disk_mib: int
    namespaces: bool
    """Give the command its own process, mount, network and IPC namespaces."""
    confined: bool
    """False leaves out every confinement but limits and the clean end."""

    def line(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def parse(cls, line: bytes) -> "Spec":
        fields = json.loads(line)
        return cls(**{**fields, "readable": tuple(fields["readable"])})


@dataclass(frozen=True, slots=True)
class Report:
    """How it ended. `exit_code` is negative for a signal."""

    exit_code: int = 0
    breaches: tuple[str, ...] = ()
    unavailable: str = ""
    """Why confinement could not be had; the command did not start then."""
    namespaces: bool = True
    """False with `unavailable` when it is only the namespaces that could not be had."""

    def line(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def parse(cls, line: bytes) -> "Report":
        fields = json.loads(line)
        return cls(**{**fields, "breaches": tuple(fields["breaches"])})
