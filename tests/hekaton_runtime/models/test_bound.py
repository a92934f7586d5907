"""The bound on prompt tokens."""

from typing import get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hekaton_runtime.answers import AnswerName, schema
from hekaton_runtime.models.bound import estimate, prompt_bound
from hekaton_runtime.models.protocol import AnswerSchema, Message
from hekaton_runtime.models.simulated.tokens import pieces, prompt_tokens

MESSAGES = st.lists(
    st.builds(lambda text: Message(role="user", content=text), st.text()), max_size=5
)


@settings(deadline=None)
@given(MESSAGES)
def test_the_simulated_tokenizer_stays_within_the_bound(messages: list[Message]) -> None:
    assert prompt_tokens(messages) < prompt_bound(messages, None)


@settings(deadline=None)
@given(MESSAGES)
def test_the_bound_holds_for_one_token_a_byte(messages: list[Message]) -> None:
    size = sum(len(message.content.encode()) for message in messages)
    assert prompt_bound(messages, None) == size + 32 + 16 * len(messages)


@pytest.mark.parametrize("name", get_args(AnswerName))
def test_a_schema_counts_with_all_its_bytes(name: AnswerName) -> None:
    shape = AnswerSchema(name=name, schema=schema(name))
    bare = len(msgspec.json.encode(schema(name)))
    assert prompt_bound((), shape) - prompt_bound((), None) >= bare


@settings(deadline=None)
@given(st.text())
def test_pieces_are_the_text_and_never_more_than_its_bytes(text: str) -> None:
    assert "".join(pieces(text)) == text
    assert len(pieces(text)) <= len(text.encode())


@settings(deadline=None)
@given(st.integers(min_value=0, max_value=10**9))
def test_an_estimate_is_a_third_rounded_up(size: int) -> None:
    assert 3 * estimate(size) - size in (0, 1, 2)


def test_words_digits_and_spaces_are_cut_as_documented() -> None:
    assert pieces("Hekaton  12,\n") == ("Heka", "ton", "  ", "1", "2", ",", "\n")
