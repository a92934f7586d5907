"""Reads a chat request as strictly as a real server would. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec

from hekaton_runtime.models.protocol import Message

Positive = Annotated[int, msgspec.Meta(ge=1)]


class Malformed(ValueError):
    """A request that the server answers with 400; the text says why."""


class _Part(msgspec.Struct, frozen=True):
    text: str
    type: Literal["text"] = "text"


class _Message(msgspec.Struct, frozen=True):
    role: Literal["system", "user", "assistant"]
    content: str | tuple[_Part, ...]


class _Shape(msgspec.Struct, frozen=True):
    name: str = ""
    schema: dict[str, Any] = {}
    strict: bool = False


class _Format(msgspec.Struct, frozen=True):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: _Shape | None = None


class _Options(msgspec.Struct, frozen=True):
    include_usage: bool = False


class _Chat(msgspec.Struct, frozen=True):
    model: str
    messages: Annotated[tuple[_Message, ...], msgspec.Meta(min_length=1)]
    max_tokens: Positive | None = None
    max_completion_tokens: Positive | None = None
    seed: int | None = None
    n: Literal[1] | None = None
    stream: bool | None = None
    stream_options: _Options | None = None
    response_format: _Format | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """One chat request, understood."""

    model: str
    messages: tuple[Message, ...]
    max_tokens: int | None
    seed: int | None
    stream: bool
    stream_usage: bool
    answer: str | None
    """Name of the schema to answer in; None for free text."""
    schema: Mapping[str, Any]

    @property
    def prompt(self) -> str:
        """All that was said, in order."""
        return "\n".join(message.content for message in self.messages)


def understood(body: bytes) -> Asked:
    """Read a request body; raises `Malformed`."""
    try:
        chat = msgspec.json.decode(body, type=_Chat)
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise Malformed(f"the request is not a chat completion request: {fault}") from fault
    answer, schema = _form(chat.response_format)
    return Asked(
        model=chat.model,
        messages=tuple(Message(role=m.role, content=_text(m.content)) for m in chat.messages),
        max_tokens=chat.max_completion_tokens or chat.max_tokens,
        seed=chat.seed,
        stream=bool(chat.stream),
        stream_usage=bool(chat.stream_options and chat.stream_options.include_usage),
        answer=answer,
        schema=schema,
    )


def _form(wanted: _Format | None) -> tuple[str | None, Mapping[str, Any]]:
    if wanted is None or wanted.type == "text":
        return None, {}
    if wanted.type == "json_object":
        return "", {"type": "object"}
    if wanted.json_schema is None or not wanted.json_schema.name:
        raise Malformed("response_format of type json_schema needs json_schema.name and .schema")
    return wanted.json_schema.name, wanted.json_schema.schema


def _text(content: str | tuple[_Part, ...]) -> str:
    return content if isinstance(content, str) else "".join(part.text for part in content)
