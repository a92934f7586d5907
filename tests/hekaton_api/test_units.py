"""Durations and money: exact, and readable back."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hekaton_api import units


@given(st.integers(0, 10**9))
def test_a_duration_is_read_back_as_it_was_written(total: int) -> None:
    assert units.seconds(units.duration(total)) == total


@pytest.mark.parametrize(
    ("text", "total"),
    [("90s", 90), ("10m", 600), ("1h30m", 5400), ("2h0m5s", 7205), ("0s", 0), ("90m", 5400)],
)
def test_usual_durations_are_read(text: str, total: int) -> None:
    assert units.seconds(text) == total


@pytest.mark.parametrize("text", ["", "10", "1d", "5 m", "1m1h", "-1s", "1.5h", "m", "1s\n", "٣s"])
def test_other_texts_are_no_durations(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        units.seconds(text)


@given(st.text(max_size=12))
def test_any_text_is_a_duration_or_a_value_error(text: str) -> None:
    try:
        total = units.seconds(text)
    except ValueError:
        return
    assert total >= 0


def test_a_negative_duration_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        units.duration(-1)


@given(st.integers(0, 10**15))
def test_micro_dollars_survive_the_way_to_dollars_and_back(amount: int) -> None:
    assert units.micros(units.dollars(amount)) == amount


def test_money_finer_than_a_micro_dollar_is_refused() -> None:
    with pytest.raises(ValueError, match="six decimals"):
        units.micros(Decimal("0.0000001"))
