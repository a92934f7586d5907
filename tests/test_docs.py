"""The README does what it says: its commands run, its links lead somewhere, its variables exist."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
README = (ROOT / "README.md").read_text()
SESSION = re.findall(r"```console\n(.*?)```", README, flags=re.S)
COMMANDS = [line[2:] for block in SESSION for line in block.splitlines() if line.startswith("$ ")]


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="hk-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def shape(line: str) -> str:
    """A line without what differs from run to run: numbers, ids."""
    named = re.sub(r"-[0-9a-f]{6}\b", "-ID", line)
    return " ".join(re.sub(r"[0-9][0-9.,]*", "N", named).split())


def test_the_session_of_the_readme_happens_as_it_is_told(home: Path) -> None:
    assert COMMANDS
    said = ""
    for command in COMMANDS:
        words = command.split()
        assert words[0] == "hekaton"
        done = subprocess.run(
            [sys.executable, "-m", "hekaton_runtime.cli.main", *words[1:]],
            cwd=ROOT,
            env={**os.environ, "HEKATON_HOME": str(home)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        said += done.stdout
    shapes = {shape(line) for line in said.splitlines()}
    told = [
        line
        for block in SESSION
        for line in block.splitlines()
        if line != "..." and not line.startswith("$ ")
    ]
    assert [line for line in told if shape(line) not in shapes] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_that_exist(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_two_commands_are_targets_of_the_makefile() -> None:
    targets = re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), flags=re.M)
    text = "\n".join(page.read_text() for page in PAGES)
    named = re.findall(r"(?:^|`|&& |\$ )make ([a-z0-9-]+)", text, flags=re.M)
    assert named
    assert set(named) <= set(targets)


def test_the_variables_in_the_readme_are_those_that_are_read() -> None:
    table = set(re.findall(r"\b(?:HEKATON|OPENAI)_[A-Z_]+\b", README))
    code = "".join(path.read_text() for path in (ROOT / "agent_runtime").rglob("*.py"))
    read = set(re.findall(r'"((?:HEKATON|OPENAI)_[A-Z_]+)"', code))
    assert table - read == set()
