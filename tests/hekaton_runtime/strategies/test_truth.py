"""The machinery tells the truth: with models of known competence, PASS rates agree with their closed forms.

Draws are seeded, so a rate is the same in each run; the bound is 3.5 standard errors of the closed form.
"""

import math
import random
from typing import Any

import pytest

MISSIONS = 150
P = 0.3


def rate(stage: Any, mode: str, **rules: Any) -> float:
    passed = 0
    for seed in range(MISSIONS):
        chance = random.Random(f"{mode}-{seed}")
        on = stage(right=lambda ask, draw=chance: draw.random() < P)
        passed += on.run(mode, attempts=1, **rules).outcome == "passed"
    return passed / MISSIONS


@pytest.mark.parametrize(
    ("mode", "rules", "answers"),
    [
        ("single", {"max_loops": 0}, 1),
        ("single", {"max_loops": 2}, 3),
        ("vote", {"samples": 3}, 3),
        ("vote", {"samples": 5}, 5),
        ("debate", {"debate_rounds": 0, "max_loops": 0}, 3),
        ("debate", {"debate_rounds": 1, "max_loops": 0}, 6),
        ("debate", {"debate_rounds": 0, "max_loops": 1}, 4),
    ],
    ids=["single", "loop with tests", "vote of 3", "vote of 5", "no critique", "a round of critique", "and a repair"],
)  # fmt: skip
def test_the_rate_is_that_of_so_many_independent_answers(
    stage: Any, mode: str, rules: dict[str, Any], answers: int
) -> None:
    expected = 1 - (1 - P) ** answers
    error = math.sqrt(expected * (1 - expected) / MISSIONS)
    assert abs(rate(stage, mode, **rules) - expected) < 3.5 * error


def test_a_debate_whose_critique_teaches_nothing_gains_only_what_its_samples_do(stage: Any) -> None:
    """Six answers are six answers, however they were argued about: the martingale of debate."""
    debated = rate(stage, "debate", debate_rounds=1, max_loops=0)
    voted = rate(stage, "vote", samples=6)
    expected = 1 - (1 - P) ** 6
    assert abs(debated - voted) < 3.5 * math.sqrt(2 * expected * (1 - expected) / MISSIONS)
