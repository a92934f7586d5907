"""The statistics keep their promises: exact tests, false alarms, power, intervals. Draws are seeded."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from scipy.stats import binomtest

from hekaton_runtime.compare.statistics import (
    ALPHA,
    POWER,
    bounds,
    detectable,
    holm,
    interval,
    p_value,
    power,
)

EXPERIMENTS = 1000
TASKS = 82
ARMS = 5


@given(some.integers(0, 60), some.integers(0, 60), some.integers(0, 60))
def test_with_one_run_a_task_it_is_mcnemars_exact_test(won: int, lost: int, alike: int) -> None:
    expected = binomtest(won, won + lost).pvalue if won + lost else 1.0
    assert p_value([1] * won + [-1] * lost + [0] * alike) == pytest.approx(expected)


def test_runs_of_one_task_that_all_say_the_same_count_as_one_observation() -> None:
    once = [1] * 7 + [-1] * 2 + [0] * 5
    assert p_value([5 * one for one in once]) == pytest.approx(p_value(once))


@given(some.lists(some.integers(-3, 3), max_size=40))
def test_it_makes_no_difference_which_arm_is_called_the_baseline(leads: list[int]) -> None:
    assert p_value(leads) == pytest.approx(p_value([-one for one in leads]))


def test_holm_is_that_of_the_textbook() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert holm([]) == ()


@given(some.lists(some.floats(0, 1), min_size=1, max_size=8))
def test_holm_never_lowers_a_p_value_and_keeps_their_order(chances: list[float]) -> None:
    adjusted = holm(chances)
    assert all(after >= before for before, after in zip(chances, adjusted, strict=True))
    order = sorted(range(len(chances)), key=lambda n: chances[n])
    assert [adjusted[n] for n in order] == sorted(adjusted)


def null(chance: np.random.Generator, arms: int) -> np.ndarray:
    """Right or wrong, by arm and task: tasks differ in difficulty, arms in nothing."""
    difficulty = chance.beta(2, 1, size=TASKS)
    return chance.random((arms, TASKS)) < difficulty


def leads(ours: np.ndarray, theirs: np.ndarray) -> list[int]:
    return [int(one) for one in ours.astype(int) - theirs.astype(int)]


def test_in_a_thousand_experiments_without_a_difference_false_alarms_stay_within_the_level() -> (
    None
):
    """Of any of five arms, after Holm."""
    chance = np.random.default_rng(11)
    alarms = 0
    for _ in range(EXPERIMENTS):
        right = null(chance, ARMS + 1)
        adjusted = holm([p_value(leads(right[n], right[0])) for n in range(1, ARMS + 1)])
        alarms += min(adjusted) <= ALPHA
    assert alarms <= ALPHA * EXPERIMENTS


def test_in_a_thousand_experiments_with_several_seeds_false_alarms_stay_within_the_level() -> None:
    chance = np.random.default_rng(12)
    alarms = 0
    for _ in range(EXPERIMENTS):
        difficulty = chance.beta(1, 1, size=TASKS)
        right = chance.random((2, 3, TASKS)) < difficulty
        alarms += p_value(leads(right[0].sum(0), right[1].sum(0))) <= ALPHA
    assert alarms <= ALPHA * EXPERIMENTS


@pytest.mark.parametrize("arms", [1, 5])
def test_the_detectable_difference_is_found_as_often_as_promised(arms: int) -> None:
    """The strictest of Holm's tests alone; the bound is three standard errors."""
    effect = detectable(TASKS, arms)
    assert effect is not None
    promised = power(TASKS, effect, 0.2, ALPHA / arms)
    assert promised >= POWER > power(TASKS, effect - 0.001, 0.2, ALPHA / arms)
    chance = np.random.default_rng(13)
    drawn = chance.multinomial(
        TASKS, [(0.2 + effect) / 2, (0.2 - effect) / 2, 0.8], size=EXPERIMENTS
    )
    found = sum(p_value([1] * won + [-1] * lost) <= ALPHA / arms for won, lost, _ in drawn)
    error = math.sqrt(promised * (1 - promised) / EXPERIMENTS)
    assert abs(found / EXPERIMENTS - promised) < 3 * error


def test_the_detectable_difference_is_near_that_of_the_textbook_and_falls_with_tasks() -> None:
    textbook = 2.8 * math.sqrt(0.2 / 164)
    found = [detectable(tasks, 1) for tasks in (82, 164, 542)]
    assert found[1] == pytest.approx(textbook, rel=0.15)
    assert found == sorted(found, key=lambda one: -(one or 0))


def test_with_five_tasks_no_difference_can_be_found_and_none_is_promised() -> None:
    assert (detectable(5, 1), detectable(0, 1)) == (None, None)
    assert detectable(6, 1) is not None


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    chance = np.random.default_rng(14)
    held = 0
    for number in range(300):
        drawn = chance.multinomial(TASKS, [0.2, 0.1, 0.7])
        values = [1.0] * drawn[0] + [-1.0] * drawn[1] + [0.0] * drawn[2]
        found = interval(values, number)
        held += found.low <= 0.1 <= found.high
    assert 0.95 - 4 * math.sqrt(0.95 * 0.05 / 300) < held / 300


def test_an_interval_is_the_same_for_the_same_seed() -> None:
    values = [1.0, 0.0, -1.0, 0.0, 1.0, 1.0]
    assert interval(values, 3) == interval(values, 3)


def test_where_no_task_differs_the_exact_bounds_still_leave_room() -> None:
    assert interval([0.0] * 82, 0).high == 0
    found = bounds([0] * 82)
    assert (found.low, found.high) == pytest.approx((-0.052, 0.052), abs=0.002)
    assert bounds([]) == bounds([], runs=3)


@given(some.lists(some.integers(-2, 2), min_size=1, max_size=60))
def test_the_exact_bounds_hold_what_was_seen(leads: list[int]) -> None:
    sure = bounds(leads, runs=2)
    assert sure.low <= sum(leads) / 2 / len(leads) <= sure.high
