"""The hidden acceptance file, run as a command on solutions of every kind."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from hekaton_runtime.bench.dataset import Problem
from hekaton_runtime.bench.judge import COMMAND, FILE, SOLUTION, judge

TEST = """
NOTE = 'quotes " and \\' and \\n are kept'


def check(candidate):
    for x in range(5):
        assert candidate(helper(x)) == 2 * x + 2, NOTE
"""
PROBLEM = Problem(
    task_id="T/1", prompt="def double(x):\n", entry_point="double", test=TEST, canonical_solution=""
)
HELPER = "def helper(x):\n    return x + 1\n\n\n"
RIGHT = HELPER + "def double(x):\n    print('x' * 100000)\n    return 2 * x\n"


def verdict(folder: Path, solution: str) -> bool:
    (folder / FILE).write_text(judge(PROBLEM))
    (folder / SOLUTION).write_text(solution)
    words = shlex.split(COMMAND.replace("python", sys.executable, 1))
    ran = subprocess.run(words, cwd=folder, timeout=30, capture_output=True, check=False)
    return ran.returncode == 0


def test_a_right_solution_passes_though_it_prints_much(tmp_path: Path) -> None:
    assert verdict(tmp_path, RIGHT)


@pytest.mark.parametrize(
    "solution",
    [
        HELPER + "def double(x):\n    return x\n",
        HELPER + "def double(x):\n    raise SystemExit(0)\n",
        HELPER + "import os\n\n\ndef double(x):\n    os._exit(0)\n",
        HELPER + "def other(x):\n    return 2 * x\n",
        RIGHT + "\nraise SystemExit(0)\n",
        "import os\n\nos._exit(0)\n" + RIGHT,
        "def double(x:\n",
        "",
    ],
    ids=[
        "wrong", "exits", "exits at once", "another name", "exits when loaded", "exits before", "no Python", "empty",
    ],
)  # fmt: skip
def test_whatever_does_not_come_through_the_whole_test_fails(tmp_path: Path, solution: str) -> None:
    assert not verdict(tmp_path, solution)


def test_a_package_of_the_same_name_is_not_the_solution(tmp_path: Path) -> None:
    (tmp_path / "solution").mkdir()
    (tmp_path / "solution" / "__init__.py").write_text(RIGHT)
    assert not verdict(tmp_path, "")


def test_a_solution_may_import_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "near.py").write_text(RIGHT)
    assert verdict(tmp_path, "from near import double, helper\n")
