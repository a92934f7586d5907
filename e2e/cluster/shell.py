"""Run one command to its end, with its output in the failure when it goes wrong."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from cluster.progress import Failure

Command: TypeAlias = Sequence[str] | Sequence[Path | str]
TAIL = 3000
"""Characters of output that a failure shows."""


def run(
    command: Command,
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    text: str | None = None,
) -> str:
    """Return what the command printed; its environment is ours with `env` laid over it."""
    try:
        done = subprocess.run(
            [str(word) for word in command],
            cwd=cwd,
            env={**os.environ, **(env or {})},
            input=text,
            stdin=subprocess.DEVNULL if text is None else None,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
    except FileNotFoundError as error:
        raise Failure(f"The command {str(command[0])!r} is missing: install it.") from error
    if done.returncode:
        said = done.stdout[-TAIL:].strip()
        words = " ".join(str(word) for word in command)
        raise Failure(f"{words!r} ended with status {done.returncode}:\n{said}")
    return done.stdout


def works(command: Command) -> bool:
    """Whether the command exists and ends well."""
    try:
        run(command)
    except Failure:
        return False
    return True
