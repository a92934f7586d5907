"""These promises are about the native provider; where kind brings up the cluster they are not run."""

from pathlib import Path

from cluster.native.machine import Native
from cluster.provider import chosen

collect_ignore_glob = [] if isinstance(chosen(Path()), Native) else ["test_*.py"]
