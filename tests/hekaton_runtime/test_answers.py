"""The answers' schemas and strict decoding."""

from collections.abc import Iterator
from typing import Any

import pytest

from hekaton_runtime.answers import TYPES, AnswerName, Patch, Unfit, parse, schema


def objects(part: Any) -> Iterator[dict[str, Any]]:
    if isinstance(part, dict):
        if part.get("type") == "object":
            yield part
        for value in part.values():
            yield from objects(value)
    elif isinstance(part, list):
        for value in part:
            yield from objects(value)


@pytest.mark.parametrize("name", TYPES)
def test_a_schema_is_in_the_form_that_strict_modes_ask_for(name: AnswerName) -> None:
    whole = schema(name)
    assert whole["type"] == "object"
    for part in objects(whole):
        assert part["required"] == list(part["properties"])
        assert part["additionalProperties"] is False


def test_an_answer_may_leave_out_what_has_a_default() -> None:
    patch = parse('{"files": [{"path": "a.py", "content": "1"}]}', Patch)
    assert patch.files[0].delete is False


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        '{"files": []}',
        '{"files": [{"path": 1}]}',
        'Sure! {"files": []}',
        '{"fils": []}',
    ],
)
def test_what_is_not_exactly_the_answer_is_unfit(text: str) -> None:
    with pytest.raises(Unfit, match="not a valid patch"):
        parse(text, Patch)
