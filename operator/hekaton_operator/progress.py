"""What the database says about a mission: the operator's side of hekaton_api.mission_view. Pure."""

from dataclasses import dataclass

FOR_GOOD = ("killed", "budget", "time", "diverged")
"""Kinds of a stop after which nobody goes on."""


@dataclass(frozen=True, slots=True)
class Progress:
    """A row of the view."""

    id: str
    state: str
    """pending, running, passed, failed or stopped."""
    reason: str = ""
    stop_kind: str = ""
    phase: str = ""
    detail: str = ""
    round: int = 0
    wave: int = 0
    tasks_done: int = 0
    tasks_total: int = 0
    spent_tokens: int = 0
    spent_micros: int = 0
    reserved_tokens: int = 0
    reserved_micros: int = 0
    started: float = 0.0
    """Seconds since 1970; 0 for not yet."""
    ended: float = 0.0
    owned: bool = False
    """Whether a conductor holds its lease."""
    branch: str = ""
    commit: str = ""

    @property
    def over(self) -> bool:
        """Whether it has ended for good."""
        if self.state == "stopped":
            return self.stop_kind in FOR_GOOD
        return self.state in ("passed", "failed")


@dataclass(frozen=True, slots=True)
class Paper:
    """A file that a mission left in the database."""

    name: str
    content: bytes
