"""How many tokens a prompt can have at most, known before it is sent.

A byte-level tokenizer never makes more tokens than there are UTF-8 bytes; chat templates add a few
per message. The ledger reserves this bound, so it may be generous and must never be low.
"""

from collections.abc import Sequence

import msgspec

from hekaton_runtime.models.protocol import AnswerSchema, Message

PER_REQUEST = 32
"""Tokens for the template's opening, closing and generation prompt."""
PER_MESSAGE = 16
"""Tokens for a message's role and separators."""


def prompt_bound(messages: Sequence[Message], schema: AnswerSchema | None) -> int:
    """Bound the prompt tokens of a request from above."""
    contents = sum(utf8_bytes(message.content) for message in messages)
    shape = len(msgspec.json.encode(schema)) if schema is not None else 0
    return contents + shape + PER_REQUEST + PER_MESSAGE * len(messages)


def estimate(size: int) -> int:
    """Estimate the tokens of `size` UTF-8 bytes where a server does not count them: a third, up."""
    return -(-size // 3)


def utf8_bytes(text: str) -> int:
    """Count UTF-8 bytes; a lone surrogate, which no server accepts, counts three."""
    return len(text.encode("utf-8", "surrogatepass"))
