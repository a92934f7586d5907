"""Reading tasks: every line is used or refused by its number."""

import gzip
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hekaton_runtime.bench.dataset import Problem, parse, read
from hekaton_runtime.errors import BadInput

GOOD = {
    "task_id": "A/1", "prompt": "def f(x):\n", "entry_point": "f", "test": "def check(f):\n    pass\n",
    "canonical_solution": "    return x\n",
}  # fmt: skip

KEPT = st.characters(exclude_categories=["Cs"], exclude_characters="\0")


def lines(*values: Mapping[str, object]) -> str:
    return "\n".join(msgspec.json.encode(value).decode() for value in values)


def test_fields_beyond_those_of_the_form_are_ignored() -> None:
    (one,) = parse(lines({**GOOD, "plus_input": [[1]], "atol": 0}), "f")
    assert one == msgspec.convert(GOOD, Problem)


def test_a_file_may_be_gzipped_whatever_its_name(tmp_path: Path) -> None:
    path = tmp_path / "tasks"
    path.write_bytes(gzip.compress(lines(GOOD, {**GOOD, "task_id": "A/2"}).encode()))
    assert [one.task_id for one in read(path)] == ["A/1", "A/2"]


def test_all_bad_lines_are_named_at_once() -> None:
    text = lines(
        {**GOOD, "entry_point": "no name"},
        {name: GOOD[name] for name in ("task_id", "test")},
        {**GOOD, "task_id": "A/3", "test": "def other():\n    pass\n"},
        {**GOOD, "task_id": "A/4", "test": "def check(:"},
        {**GOOD, "task_id": "A/5", "prompt": " "},
        GOOD,
    )
    with pytest.raises(BadInput) as refused:
        parse(text + "\nno json", "tasks.jsonl")
    found = [reason.split(" ")[0] for reason in refused.value.reasons]
    assert found == [f"tasks.jsonl:{number}:" for number in (1, 2, 3, 4, 5, 6, 7)]
    assert "entry_point 'no name'" in refused.value.reasons[0]
    assert "line 1 too" in refused.value.reasons[5]


@pytest.mark.parametrize("field", ["task_id", "prompt", "test", "canonical_solution"])
def test_a_nul_is_refused_with_its_field_and_what_stands_around_it(field: str) -> None:
    task = {**GOOD, field: "x" * 99 + f"{GOOD[field]}\0 and more"}
    with pytest.raises(BadInput) as refused:
        parse(lines(GOOD, {**task, "task_id": task["task_id"].replace("A/1", "A/2")}), "t.jsonl")
    (said,) = refused.value.reasons
    assert said.startswith(f"t.jsonl:2: {field}: '")
    assert r"\x00 and more" in said
    assert said.endswith("Remove it.")
    assert len(said) < 200


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="holds no task"):
        parse("\n\n", "f")


@pytest.mark.parametrize(
    ("data", "said"),
    [(b"\x1f\x8b\x08broken", "Give UTF-8 text"), (b"\xff\xfe{}", "Give UTF-8 text")],
    ids=["cut gzip", "no text"],
)
def test_a_file_that_is_no_text_is_refused(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "tasks"
    path.write_bytes(data)
    with pytest.raises(BadInput, match=said):
        read(path)


def test_an_absent_file_is_refused_by_its_path(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"absent\.jsonl: No such file"):
        read(tmp_path / "absent.jsonl")


@given(st.lists(st.text(KEPT, min_size=1).filter(str.strip), min_size=1, unique=True, max_size=5))
def test_what_was_written_is_what_is_read(names: list[str]) -> None:
    wanted = tuple(msgspec.convert({**GOOD, "task_id": name}, Problem) for name in names)
    text = "\n".join(msgspec.json.encode(one).decode() for one in wanted)
    assert parse(text, "f") == wanted
