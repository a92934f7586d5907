"""What is stripped from a model's text, and that nothing else is."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hekaton_runtime.models.text import unwrap

JSON = '{"a": "``` <think> x </think>"}'


@pytest.mark.parametrize(
    "text",
    [
        JSON,
        f"<think>first\nthis</think>\n\n{JSON}",
        f"```json\n{JSON}\n```",
        f"\n<think></think>```json {JSON} ```\n",
    ],
    ids=["bare", "thought", "fence", "both"],
)
def test_the_two_wrappings_are_stripped(text: str) -> None:
    assert unwrap(text) == JSON


@pytest.mark.parametrize(
    "text",
    [
        "<think>never closed {}",
        f"```\n{JSON}\n```",
        f"```python\n{JSON}\n```",
        f"```json5\n{JSON}\n```",
        f"```json\n{JSON}",
        "```json```",
        f"Here it is: {JSON}",
        f"Here it is:\n```json\n{JSON}\n```",
        f"{JSON}<think>late</think>",
        "```json",
        "",
    ],
)
def test_any_other_text_stays_as_it_is(text: str) -> None:
    assert unwrap(text) == text


@settings(deadline=None)
@given(st.text())
def test_text_without_wrappings_is_untouched(text: str) -> None:
    if not text.lstrip().startswith(("<think>", "```json")):
        assert unwrap(text) == text


@settings(deadline=None)
@given(st.text(), st.text(alphabet=st.characters(exclude_characters="<")))
def test_what_was_wrapped_comes_out(inner: str, thought: str) -> None:
    body = "{" + inner + "}"
    assert unwrap(f"<think>{thought}</think>```json\n{body}\n```") == body


@settings(deadline=None)
@given(st.text())
def test_the_result_is_part_of_the_text(text: str) -> None:
    assert unwrap(text) in text
