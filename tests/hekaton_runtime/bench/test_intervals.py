"""The interval is exact: at its ends, the observation is just as unlikely as was agreed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from hekaton_runtime.bench.intervals import Rate, rate


def test_no_tries_say_nothing() -> None:
    assert rate(0, 0) == Rate(0.0, 0.0, 1.0)


@pytest.mark.parametrize(
    ("successes", "tries", "low", "high"),
    [(0, 10, 0.0, 0.3085), (10, 10, 0.6915, 1.0), (5, 10, 0.1871, 0.8129), (60, 100, 0.4972, 0.6967)],
)  # fmt: skip
def test_intervals_are_those_of_the_tables(
    successes: int, tries: int, low: float, high: float
) -> None:
    found = rate(successes, tries)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


@given(st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_each_tail_at_the_ends_is_two_and_a_half_percent(seen: tuple[int, int]) -> None:
    successes, tries = seen
    found = rate(successes, tries)
    assert found.low <= found.share <= found.high
    if successes:
        assert binom.sf(successes - 1, tries, found.low) == pytest.approx(0.025, rel=1e-6)
    if successes < tries:
        assert binom.cdf(successes, tries, found.high) == pytest.approx(0.025, rel=1e-6)
