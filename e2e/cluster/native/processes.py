"""Start programs that go on when the command ends, and end them by their process id.

The record of a program holds the tick at which it was born, so that a process id that the system
has given to something else meanwhile is never sent a signal.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from cluster.progress import Failure

PAUSE = 0.05
"""Seconds between two looks at something that is awaited."""


def start(
    folder: Path,
    name: str,
    command: Sequence[str | Path],
    env: Mapping[str, str] | None = None,
) -> None:
    """Start a program in a session of its own; it works in `folder` and logs to log/NAME."""
    (folder / "log").mkdir(exist_ok=True)
    (folder / "pids").mkdir(exist_ok=True)
    with (folder / "log" / name).open("ab") as log:
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=folder,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    (folder / "pids" / name).write_text(f"{process.pid} {_born(process.pid)}\n")


def _born(pid: int) -> str | None:
    """The tick of a living process's birth; None when it has ended."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if state in "ZX" else fields[18]


def living(folder: Path, name: str) -> int | None:
    """The process id of a program that was started and still runs."""
    try:
        pid, born = (folder / "pids" / name).read_text().split()
    except FileNotFoundError:
        return None
    return int(pid) if _born(int(pid)) == born else None


def end(folder: Path, name: str, patience: float = 10.0) -> None:
    """Ask the program to end; after `patience` seconds make it."""
    for sign, limit in ((signal.SIGTERM, patience), (signal.SIGKILL, 5.0)):
        pid = living(folder, name)
        if pid is None:
            break
        with suppress(ProcessLookupError):
            os.kill(pid, sign)
        soon(lambda: living(folder, name) is None, limit)
    else:
        if pid := living(folder, name):
            raise Failure(f"{name} (process {pid}) does not end.")
    (folder / "pids" / name).unlink(missing_ok=True)


def soon(happened: Callable[[], bool], limit: float) -> bool:
    """Whether it happens within `limit` seconds."""
    deadline = time.monotonic() + limit
    while not happened():
        if time.monotonic() > deadline:
            return False
        time.sleep(PAUSE)
    return True


def until(happened: Callable[[], bool], limit: float, folder: Path, names: Sequence[str]) -> None:
    """Wait until it happens; fail with the end of a program's log when that program has ended."""

    def ended() -> str | None:
        return next((name for name in names if living(folder, name) is None), None)

    if soon(lambda: happened() or ended() is not None, limit) and ended() is None:
        return
    name = ended() or names[-1]
    log = folder / "log" / name
    tail = log.read_text(errors="replace")[-2000:] if log.exists() else ""
    what = "has ended" if ended() else f"is not ready after {limit:g} s"
    raise Failure(f"{name} {what}; {log} ends with:\n{tail}")
