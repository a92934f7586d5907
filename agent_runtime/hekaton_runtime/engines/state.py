"""What is true of an engine at a moment, and what its end means. Pure."""

import re
from collections.abc import Sequence
from typing import Literal

import msgspec

Phase = Literal["waiting", "starting", "ready", "unhealthy", "crashed", "out of memory", "stopped"]
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds before a crashed engine is started again: doubling, up to the second."""
OUT_OF_MEMORY = re.compile(
    r"out of memory|OutOfMemoryError|Cannot allocate memory|No available memory for the cache"
    r"|Not enough memory|larger than the available KV cache memory",
    re.IGNORECASE,
)
TELLING = re.compile(r"error|exception|fail|cannot|unable", re.IGNORECASE)
KILLED = (-9, 137)
NOT_FOUND = 127
"""The exit code of a shell whose command does not exist."""
NO_MODULE = re.compile(r"No module named '?(vllm|sglang)\b")
SHOWN = 300
"""Characters of an engine's own words."""


class EngineState(msgspec.Struct, frozen=True, kw_only=True):
    """One engine."""

    model: str
    engine: str
    port: int
    phase: Phase = "waiting"
    reason: str = ""
    """In words; empty when all is well."""
    restarts: int = 0
    pid: int = 0

    @property
    def why_not(self) -> str:
        """Why it is not ready; empty when it is."""
        if self.phase == "ready":
            return ""
        return f"engine {self.model!r} is {self.phase}" + (
            f": {self.reason}" if self.reason else ""
        )


def judged(code: int, lines: Sequence[str]) -> tuple[Phase, str]:
    """What an end means: the phase and the reason, from the exit code and the last lines."""
    memory = next((line for line in reversed(lines) if OUT_OF_MEMORY.search(line)), "")
    if memory:
        return "out of memory", _short(memory)
    if code in KILLED:
        return (
            "out of memory",
            "it was killed (exit code 137), as the kernel does where memory runs out",
        )
    telling = next((line for line in reversed(lines) if TELLING.search(line)), "")
    last = telling or next((line for line in reversed(lines) if line.strip()), "it said nothing")
    return "crashed", f"it ended with exit code {code}: {_short(last)}"


def absent(code: int, lines: Sequence[str]) -> bool:
    """Whether the engine never began, since its program is not on this machine."""
    return code == NOT_FOUND or any(NO_MODULE.search(line) for line in lines)


def pause(crashes: int) -> float:
    """Seconds to wait after so many crashes in a row."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(max(0, crashes - 1), 10))


def _short(line: str) -> str:
    text = " ".join("".join(c if c.isprintable() else " " for c in line).split())
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
