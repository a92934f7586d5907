"""The arithmetic behind every table: quantiles are measured values, ratios are what they say."""

import pytest
from figures.quantiles import micros, ms, quantile, ratio, spread
from hypothesis import given
from hypothesis import strategies as st

VALUES = st.lists(st.floats(0, 1e3), min_size=1, max_size=200)


def test_the_median_and_the_tail_of_a_hundred() -> None:
    values = [float(number) for number in range(1, 101)]
    assert (quantile(values, 0.5), quantile(values, 0.99), quantile(values, 1)) == (50, 99, 100)


@given(VALUES, st.floats(0, 1))
def test_a_quantile_is_a_measured_value_with_its_share_at_or_below(
    values: list[float], share: float
) -> None:
    found = quantile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-9


@given(VALUES)
def test_a_spread_is_in_order(values: list[float]) -> None:
    found = spread(values)
    assert min(values) <= found.p50 <= found.p90 <= found.p99 <= found.most == max(values)


def test_nothing_has_no_quantile() -> None:
    with pytest.raises(ValueError, match="at least once"):
        quantile([], 0.5)


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_beyond_the_whole_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="0 to 1"):
        quantile([1.0], share)


def test_times_are_written_with_three_digits_that_matter() -> None:
    assert (ms(0.00123), ms(0.0456), ms(1.5), micros(0.001234)) == ("1.23", "45.6", "1500", "1,234")


def test_a_ratio_to_nothing_is_a_dash() -> None:
    assert (ratio(1.0, 3.0), ratio(1.0, 0.0)) == ("0.33", "-")
