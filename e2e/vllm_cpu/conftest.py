"""One vLLM for the whole session, a home for Hekaton in it, and the figures shown at the end."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from vllm_cpu.commands import Hekaton, commands
from vllm_cpu.serving import MODEL, VLLM, Server, serving

FIGURES = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[FIGURES] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.section("figures")
    for line in terminalreporter.config.stash[FIGURES]:
        terminalreporter.line(line)


@pytest.fixture(scope="session")
def figure(pytestconfig: pytest.Config) -> Callable[[str], None]:
    """Keeps a measured figure for the end of the output."""
    return pytestconfig.stash[FIGURES].append


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """Readable by others: as root, the embedded database runs as another user."""
    made = Path(tempfile.mkdtemp(prefix="hekaton-e2e-", dir="/tmp"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="session")
def server(folder: Path, figure: Callable[[str], None]) -> Iterator[Server]:
    assert VLLM.exists(), f"{VLLM} is absent; run `make e2e-vllm`, which installs it."
    assert MODEL.exists(), f"{MODEL} is absent; run `make e2e-vllm`, which makes it."
    with serving(folder) as up:
        figure(f"vLLM was healthy after {up.seconds:.0f} s")
        yield up


@pytest.fixture(scope="session")
def hekaton(folder: Path) -> Iterator[Hekaton]:
    home = folder / "home"
    home.mkdir(mode=0o755)
    with commands(home) as made:
        yield made
