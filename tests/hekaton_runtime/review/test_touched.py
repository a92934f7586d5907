"""Only the lines of a change are looked at, and all of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hekaton_runtime.review.touched import Touched, changed_lines, touched

LINES = st.lists(st.sampled_from(("a", "b", "c", "")), max_size=12)


@given(old=LINES.filter(any), new=LINES)
def test_lines_that_were_not_touched_are_in_the_old_text_in_that_order(
    old: list[str], new: list[str]
) -> None:
    found = changed_lines("\n".join(old), "\n".join(new))
    rest = iter(old)
    kept = [line for number, line in enumerate(new, 1) if number not in found]
    assert all(any(line == one for one in rest) for line in kept)


@given(text=LINES.filter(any).map("\n".join))
def test_an_unchanged_text_has_no_touched_line(text: str) -> None:
    assert changed_lines(text, text) == frozenset()


def test_all_lines_of_a_new_file_are_touched() -> None:
    assert changed_lines("", "a\nb") == {1, 2}


def test_a_removal_touches_its_neighbours() -> None:
    assert changed_lines("a\nb\nc\nd", "a\nd") == {1, 2}


def test_only_python_files_that_differ_are_looked_at() -> None:
    before = {"a.py": "x", "same.py": "y", "gone.py": "z"}
    after = {"a.py": "x2", "same.py": "y", "new.py": "n", "note.md": "m"}
    assert [one.path for one in touched(before, after)] == ["a.py", "new.py"]


@pytest.mark.parametrize(
    ("path", "is_test"),
    [
        ("tests/a.py", True),
        ("pkg/test_a.py", True),
        ("conftest.py", True),
        ("pkg/latest.py", False),
    ],
)
def test_tests_are_known_by_their_usual_names(path: str, is_test: bool) -> None:
    assert Touched(path, "", frozenset()).is_test == is_test
