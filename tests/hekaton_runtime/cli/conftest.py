"""The `hekaton` command as a user has it: a process, a home of its own, the embedded database."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hekaton_runtime.store.embedded import embedded

ROOT = Path(__file__).resolve().parents[3]
Hekaton = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def home() -> Iterator[Path]:
    """One home for all commands of this test process: the server starts quicker the second time."""
    folder = Path(tempfile.mkdtemp(prefix="hk-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        with embedded(folder):  # held open, so that each command finds the server running
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def missions() -> Path:
    """Our own missions."""
    return ROOT / "manifests" / "missions"


@pytest.fixture
def hekaton(home: Path) -> Hekaton:
    """Run a command to its end."""

    def run(*words: str | Path, **environ: str) -> "subprocess.CompletedProcess[str]":
        clean = {
            name: text
            for name, text in os.environ.items()
            if not name.startswith(("HEKATON_", "OPENAI_"))
        }
        return subprocess.run(
            [sys.executable, "-m", "hekaton_runtime.cli.main", *map(str, words)],
            capture_output=True,
            text=True,
            env={**clean, "HEKATON_HOME": str(home), **environ},
            timeout=240,
            check=False,
        )

    return run
