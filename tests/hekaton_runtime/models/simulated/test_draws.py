"""Chance as a pure function: repeatable, independent, and as frequent as it claims."""

from dataclasses import replace

import pytest

from hekaton_runtime.models.protocol import Message
from hekaton_runtime.models.simulated.draws import Draw, prompt_hash, uniform

N = 2000
DRAW = Draw(seed=1, model="simulated/a", entry="e", sample=0, prompt="p")


def rights(draws: list[Draw], competence: float) -> list[bool]:
    return [draw.is_right(competence) for draw in draws]


@pytest.mark.parametrize("competence", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_a_model_is_right_as_often_as_it_claims(competence: float) -> None:
    share = sum(rights([replace(DRAW, sample=n) for n in range(N)], competence)) / N
    # five standard deviations of a binomial share
    assert abs(share - competence) <= 5 * (competence * (1 - competence) / N) ** 0.5


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({}, {"model": "simulated/b"}),
        ({}, {"seed": 2}),
        ({}, {"entry": "other"}),
        ({}, {"prompt": "q"}),
    ],
    ids=["models", "seeds", "entries", "prompts"],
)
def test_draws_that_differ_in_one_thing_are_independent(
    ours: dict[str, object], theirs: dict[str, object]
) -> None:
    first = rights([replace(DRAW, sample=n, **ours) for n in range(N)], 0.5)  # type: ignore[arg-type]
    second = rights([replace(DRAW, sample=n, **theirs) for n in range(N)], 0.5)  # type: ignore[arg-type]
    both = sum(a and b for a, b in zip(first, second, strict=True)) / N
    assert abs(both - 0.25) <= 5 * (0.25 * 0.75 / N) ** 0.5


def test_successive_samples_are_independent() -> None:
    right = rights([replace(DRAW, sample=n) for n in range(N)], 0.5)
    pairs = sum(a and b for a, b in zip(right, right[1:], strict=False)) / (N - 1)
    assert abs(pairs - 0.25) <= 5 * (0.25 * 0.75 / N) ** 0.5


def test_the_same_question_is_always_drawn_alike() -> None:
    assert DRAW.uniform("right") == replace(DRAW).uniform("right") == DRAW.uniform("right")


def test_draws_stay_what_they_were_in_earlier_versions() -> None:
    assert uniform("right", 1, None) == pytest.approx(0.5877620380, abs=1e-9)


def test_no_sample_is_another_question_than_sample_zero() -> None:
    assert DRAW.uniform("right") != replace(DRAW, sample=None).uniform("right")


def test_picks_cover_their_range_and_no_more() -> None:
    assert {replace(DRAW, sample=n).pick("x", 3) for n in range(100)} == {0, 1, 2}


def test_a_prompt_is_known_by_roles_and_contents() -> None:
    user, system = Message(role="user", content="a"), Message(role="system", content="a")
    assert prompt_hash([user]) == prompt_hash([Message(role="user", content="a")])
    assert len({prompt_hash([user]), prompt_hash([system]), prompt_hash([user, user])}) == 3
