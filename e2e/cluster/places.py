"""Where things lie: what is built once and kept, and the folder of one cluster.

Kept things are named after a hash of what they are made from, so that a change makes them anew and
two checkouts do not disturb each other.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CLUSTER = ROOT / ".cache" / "cluster"
"""The folder of a cluster when none is given."""


def cache() -> Path:
    """The folder of what is kept: $HEKATON_CLUSTER_CACHE, or one under the user's cache."""
    given = os.environ.get("HEKATON_CLUSTER_CACHE")
    around = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(given) if given else Path(around) / "hekaton" / "cluster"
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()


def digest(*inputs: str | Path) -> str:
    """Twelve hex digits that change with any input: a text, or the content of a file."""
    total = hashlib.sha256()
    for each in inputs:
        data = each.read_bytes() if isinstance(each, Path) else each.encode()
        total.update(len(data).to_bytes(8, "big") + data)
    return total.hexdigest()[:12]


@contextmanager
def alone(name: str) -> Iterator[None]:
    """Hold the one right of this user to make something in the cache."""
    with (cache() / f"{name}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
