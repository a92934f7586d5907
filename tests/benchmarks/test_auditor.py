"""The counting of `benchmarks/audit.py`: what is flagged, out of what, and how sure that is."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from auditor.programs import of_missions, weaker
from auditor.tally import Seen, lines, wilson
from hypothesis import given
from hypothesis import strategies as st

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "audit.py"
NO_MUTANTS = "#!/bin/sh\nprintf '[[], [], [], [], [], []]'\n"
TESTS = """
import unittest

class One(unittest.TestCase):
    def test_a(self): pass
    def helper(self): pass
    def test_b(self): pass
    def test_c(self): pass
    def test_d(self): pass

def check(candidate):
    x = 1
    assert candidate(1)
    assert candidate(2)
"""


@given(tries=st.integers(1, 500), share=st.floats(0, 1))
def test_an_interval_holds_the_share_and_stays_within_0_and_1(tries: int, share: float) -> None:
    hits = round(tries * share)
    found = wilson(hits, tries)
    assert 0 <= found.low <= hits / tries <= found.high <= 1


def test_a_known_interval_comes_out_as_in_the_books() -> None:
    found = wilson(8, 10)
    assert (round(found.low, 3), round(found.high, 3)) == (0.490, 0.943)


def test_without_tries_everything_is_possible() -> None:
    found = wilson(0, 0)
    assert (found.low, found.high, str(found)) == (0.0, 1.0, "-")


def test_each_part_is_counted_on_what_reached_it() -> None:
    seen = (
        Seen("p", defect=True, accepted=False),
        Seen("p", defect=True, accepted=True, tools=True, gate=True),
        Seen("p", defect=True, accepted=True, auditor=True, gate=True),
        Seen("p", defect=False, accepted=True, auditor=True, gate=True),
        Seen("p", defect=False, accepted=True),
    )
    made = [
        (one.recall.hits, one.recall.tries, one.false_alarms.hits, one.precision.tries)
        for one in lines(seen, "auditor")
    ]
    assert made == [
        (1, 3, 0, 1),
        (1, 2, 0, 1),
        (2, 3, 0, 2),
        (1, 2, 1, 2),
        (2, 2, 1, 3),
        (3, 3, 1, 4),
    ]


def test_weakened_tests_keep_every_third_and_all_else() -> None:
    names = [
        one.name for one in ast.walk(ast.parse(weaker(TESTS))) if isinstance(one, ast.FunctionDef)
    ]
    assert sorted(names) == ["check", "helper", "test_a", "test_d"]
    assert weaker(TESTS).count("assert candidate") == 1


@pytest.mark.parametrize("program", of_missions(), ids=lambda one: one.name)
def test_our_missions_are_programs_with_a_solution_and_tests(program: object) -> None:
    assert getattr(program, "solution", ())
    assert getattr(program, "tests", ())
    assert getattr(program, "commands", ())


def audit(mutator: Path) -> "subprocess.CompletedProcess[str]":
    words = ["--mutants", "1", "--tools", "ruff", "--mutator", str(mutator), "--json"]
    return subprocess.run(
        [sys.executable, BENCHMARK, *words], capture_output=True, text=True, timeout=110, check=False,
        env={"PATH": os.environ["PATH"], "HOME": "/tmp", "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip


@pytest.mark.timeout(120)
def test_the_command_puts_the_solutions_of_our_missions_through_the_gate(tmp_path: Path) -> None:
    mutator = tmp_path / "python"
    mutator.write_text(NO_MUTANTS)
    mutator.chmod(0o755)
    said = audit(mutator)
    assert said.returncode == 0, said.stderr
    whole = json.loads(said.stdout)["lines"][-1]
    assert (whole["recall"]["tries"], whole["false_alarms"]["tries"]) == (0, 3)


def test_a_mutator_that_is_not_there_is_named_with_the_remedy(tmp_path: Path) -> None:
    said = audit(tmp_path / "none")
    assert said.returncode == 1
    assert "--mutator" in said.stderr
    assert "make bench-peers" in said.stderr
    assert "Traceback" not in said.stderr
