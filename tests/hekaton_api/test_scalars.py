"""Unquoted YAML scalars mean what they mean to kubectl."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hekaton_api.scalars import plain


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", True),
        ("Off", False),
        ("y", True),
        ("NO", False),
        ("true", True),
        ("yEs", "yEs"),
        ("~", None),
        ("", None),
        ("010", 8),
        ("08", 8),
        ("0o17", 15),
        ("0x1F", 31),
        ("-0b11", -3),
        ("1_000", 1000),
        ("1e3", 1000),
        ("5.0", 5),
        ("0.25", 0.25),
        (".5", 0.5),
        ("1:30", "1:30"),
        ("2024-01-01", "2024-01-01"),
        ("10m", "10m"),
        ("3.10.1", "3.10.1"),
        ("-", "-"),
        ("a b", "a b"),
    ],
)
def test_a_plain_scalar_is_read_as_kubectl_reads_it(text: str, value: object) -> None:
    found = plain(text)
    assert found == value
    assert type(found) is type(value)


def test_words_for_no_number_are_floats() -> None:
    found = plain(".nan")
    assert isinstance(found, float)
    assert math.isnan(found)


@given(st.text("0123456789+-._xobeE", max_size=12) | st.just("9" * 5000))
def test_any_text_has_a_value(text: str) -> None:
    assert isinstance(plain(text), str | int | float | None)
