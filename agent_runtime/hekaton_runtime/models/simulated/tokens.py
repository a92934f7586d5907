"""A small tokenizer for honest counts: deterministic, lossless, never more tokens than UTF-8 bytes.

It stands for no real model's tokenizer; it makes counts that behave like one. Pure.
"""

import re
from collections.abc import Sequence

from hekaton_runtime.models.protocol import Message

_PIECE = re.compile(r"\s+|\d|[^\W\d_]{1,4}|.", re.DOTALL)
PER_MESSAGE = 4
"""Tokens for a message's role and separators."""
PER_REQUEST = 3
"""Tokens that open the answer."""


def pieces(text: str) -> tuple[str, ...]:
    """Cut a text into tokens; joined they are the text again."""
    return tuple(_PIECE.findall(text))


def prompt_tokens(messages: Sequence[Message]) -> int:
    """Count the tokens of a prompt."""
    contents = sum(len(pieces(message.content)) for message in messages)
    return contents + PER_MESSAGE * len(messages) + PER_REQUEST
