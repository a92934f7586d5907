"""Numbers read well, and foreign text stays text."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hekaton_runtime.report.words import block, cell, code, duration, moment, money, number, plain

steady = settings(deadline=None)
HOSTILE = st.text(alphabet=st.sampled_from("`|\\\n a#-")) | st.text()


@pytest.mark.parametrize(
    ("micros", "text"),
    [(1234, "$0.001234"), (0, "$0.000000"), (12_000_001, "$12.000001"), (-5, "-$0.000005")],
)
def test_money_is_exact(micros: int, text: str) -> None:
    assert money(micros) == text


def test_thousands_are_parted_by_a_thin_space() -> None:
    assert number(1_234_567) == "1\u202f234\u202f567"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0s"),
        (0.36, "0.4s"),
        (9.96, "10s"),
        (59.7, "1m 0s"),
        (72.4, "1m 12s"),
        (3600, "1h 0m 0s"),
        (7265, "2h 1m 5s"),
        (-3, "0s"),
    ],
)
def test_durations_read_like_spoken(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_moment_is_told_in_utc() -> None:
    assert moment(1_800_000_000.9) == "2027-01-15 08:00:00 UTC"


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("# heading", "\\# heading"),
        ("a\n# b", "a # b"),
        ("- item", "\\- item"),
        ("12. item", "12\\. item"),
        ("12) item", "12\\) item"),
        ("[x](http://y)", "\\[x\\](http\\://y)"),
        ("www.example.org", "www\\.example.org"),
        ("a@b.example", "a\\@b.example"),
        ("<img src=x>", "\\<img src=x\\>"),
        ("a|b", "a\\|b"),
        ("back\\slash `code` *x* _y_", "back\\\\slash \\`code\\` \\*x\\* \\_y\\_"),
        ("bell\x07, \u202eturned\u2028line", "bell, turned line"),
        ("well-known sums.py, 1.5", "well-known sums.py, 1.5"),
        ("", ""),
    ],
)
def test_foreign_text_in_a_line_is_escaped(text: str, escaped: str) -> None:
    assert plain(text) == escaped


@steady
@given(text=HOSTILE)
def test_foreign_text_stays_on_its_line(text: str) -> None:
    assert all(len(write(text).splitlines()) <= 1 for write in (plain, code, cell))


@steady
@given(text=HOSTILE)
def test_a_code_span_ends_only_at_its_end(text: str) -> None:
    span = code(text)
    ticks = re.match("`*", span)
    assert ticks is not None
    runs = re.findall("`+", span)
    assert runs.count(ticks[0]) == (2 if span else 0)


@steady
@given(text=HOSTILE)
def test_foreign_text_never_ends_a_cell(text: str) -> None:
    assert "|" not in re.sub(r"\\.", "", plain(text))
    assert cell(text) == plain(text) or "|" not in cell(text)


@steady
@given(text=HOSTILE)
def test_a_block_ends_only_at_its_end(text: str) -> None:
    opening, *inside, closing = block(text).split("\n")
    assert opening == f"{closing}text"
    assert not any(line.lstrip().startswith(closing) for line in inside)
