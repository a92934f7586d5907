"""Names of missions: stable, legal, and one for each task."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hekaton_api.fields import NAME
from hekaton_runtime.bench.names import checked_run, digest, mission_id, slug, slugs
from hekaton_runtime.errors import BadInput


def test_a_task_id_becomes_a_legal_name() -> None:
    assert slug("HumanEval/12") == "humaneval-12"


@given(st.lists(st.text(min_size=1), unique=True, max_size=20))
def test_every_task_has_a_legal_name_of_its_own(tasks: list[str]) -> None:
    names = slugs(tasks)
    assert list(names) == tasks
    assert len(set(names.values())) == len(tasks)
    assert all(re.fullmatch(NAME, name) for name in names.values())


def test_a_digest_knows_where_a_part_ends() -> None:
    assert digest("ab", "c") != digest("a", "bc")


def test_a_seed_is_named_only_where_there_are_several() -> None:
    assert mission_id("r", "t", "single", None) == "r-t-single"
    assert mission_id("r", "t", "single", 2) == "r-t-single-s2"


@pytest.mark.parametrize("name", ["", "A", "a/b", "-a", "a-", "x" * 41])
def test_a_run_that_cannot_begin_a_name_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="--run"):
        checked_run(name)
