"""When two answers are the same, and when work goes in circles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hekaton_runtime.answers import FileChange, Patch
from hekaton_runtime.strategies.content import majority, normal, normal_text
from hekaton_runtime.strategies.stuck import stuck
from hekaton_runtime.strategies.values import Turn


def patch(content: str, path: str = "x.py", summary: str = "") -> Patch:
    return Patch(summary=summary, files=(FileChange(path=path, content=content),))


def test_layout_comments_and_summaries_make_no_difference() -> None:
    assert normal(patch("a = 1\n\n\nb = 2  \n# done\n", summary="x")) == normal(
        patch("a = 1\r\nb = 2")
    )


def test_indentation_names_and_paths_do() -> None:
    assert (
        len({normal(patch("a = 1")), normal(patch("  a = 1")), normal(patch("a = 1", "y.py"))}) == 3
    )


def test_a_heading_in_markdown_is_no_comment() -> None:
    assert normal(patch("# A", "x.md")) != normal(patch("# B", "x.md"))


def test_a_removed_file_is_not_an_empty_one() -> None:
    assert normal(Patch(files=(FileChange(path="x", delete=True),))) != normal(patch("", "x"))


def test_prose_is_the_same_whatever_its_case_and_blanks() -> None:
    assert normal_text("Add  parse().\n") == normal_text("add parse()")


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=12))
def test_the_majority_is_a_member_of_the_largest_class(contents: list[str]) -> None:
    chosen = contents[majority(contents)]
    assert contents.count(chosen) == max(map(contents.count, contents))
    assert majority(contents) == contents.index(chosen)


def turns(text: str) -> list[Turn]:
    """Letters are patches; a dot is a repair that changed nothing."""
    return [Turn("" if sign == "." else sign, sign != ".") for sign in text]


@pytest.mark.parametrize(
    ("course", "why"),
    [
        ("aaa", "the same patch 3 times"),
        ("abab", "two patches in turn, twice over"),
        ("a..", "no change in 2 loops"),
        ("ab", ""),
        ("a.b", ""),
        ("aba", ""),
        ("abba", ""),
        ("", ""),
    ],
)
def test_circles_are_seen_from_what_repairs_did(course: str, why: str) -> None:
    assert stuck(turns(course)) == why
