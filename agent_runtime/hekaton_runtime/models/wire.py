"""Bytes of the chat-completions API: what is sent, and how a streamed or whole answer is read. Pure.

Garbage is never skipped: an answer that cannot be read in full may still have been charged.
"""

from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import msgspec

from hekaton_runtime.models.bound import utf8_bytes
from hekaton_runtime.models.protocol import CompletionRequest
from hekaton_runtime.results import Usage

Feature = Literal["json_schema", "stream_usage"]
Tokens = Annotated[int, msgspec.Meta(ge=0)]
_DONE = b"[DONE]"


class Garbled(ValueError):
    """The answer is not what the API promises; the text says where."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """The optional parts of the API that a server takes."""

    json_schema: bool = True
    """`response_format` with a JSON schema."""
    stream_usage: bool = True
    """`stream_options` with `include_usage`."""

    def without(self, feature: Feature) -> "Dialect":
        if feature == "json_schema":
            return replace(self, json_schema=False)
        return replace(self, stream_usage=False)


def request_body(request: CompletionRequest, dialect: Dialect) -> bytes:
    """Write a request; raises `UnicodeEncodeError` for text that is not valid Unicode."""
    body: dict[str, Any] = {
        "model": request.model,
        "messages": request.messages,
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "stream": True,
    }
    if dialect.stream_usage:
        body["stream_options"] = {"include_usage": True}
    if request.seed is not None:
        body["seed"] = request.seed
    if request.answer is not None and dialect.json_schema:
        shape = {"name": request.answer.name, "strict": True, "schema": request.answer.schema}
        body["response_format"] = {"type": "json_schema", "json_schema": shape}
    return msgspec.json.encode(body)


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer as the server gave it."""

    text: str
    finish: str
    """The server's `finish_reason`."""
    model: str
    """As the server names it; empty where it does not."""
    unseen_bytes: int
    """UTF-8 bytes of reasoning that is charged and not part of the text."""
    usage: Usage | None


class _Said(msgspec.Struct, frozen=True):
    """A message, or the next piece of one."""

    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None


class _Choice(msgspec.Struct, frozen=True):
    index: int = 0
    delta: _Said | None = None
    message: _Said | None = None
    finish_reason: str | None = None


class _Counted(msgspec.Struct, frozen=True):
    prompt_tokens: Tokens
    completion_tokens: Tokens = 0


class _Object(msgspec.Struct, frozen=True):
    """A chunk of a stream, or a whole completion."""

    choices: tuple[_Choice, ...] | None = None
    usage: _Counted | None = None
    model: str | None = None
    error: msgspec.Raw = msgspec.Raw()
    object: str | None = None
    message: str | None = None


class Frames:
    """Cuts a byte stream into the data of its server-sent events, in linear time."""

    def __init__(self) -> None:
        self._line: list[bytes] = []
        self._data: list[bytes] = []

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take the next bytes and give the events that they complete."""
        events: list[bytes] = []
        first, *rest = chunk.split(b"\n")
        self._line.append(first)
        for part in rest:
            self._end_line(events)
            self._line.append(part)
        return events

    def _end_line(self, events: list[bytes]) -> None:
        line = b"".join(self._line).removesuffix(b"\r")
        self._line.clear()
        if line.startswith(b"data:"):
            self._data.append(line[5:].removeprefix(b" "))
        elif not line and self._data:
            events.append(b"\n".join(self._data))
            self._data.clear()


class Reading:
    """Collects one answer, streamed or whole; `Garbled` when it cannot be one."""

    def __init__(self, *, streamed: bool, limit: int) -> None:
        self.done = False
        self._streamed = streamed
        self._left = limit
        self._limit = limit
        self._frames = Frames()
        self._whole: list[bytes] = []
        self._texts: list[str] = []
        self._finish = ""
        self._model = ""
        self._unseen = 0
        self._usage: Usage | None = None

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes; `done` is set once nothing further is to be read."""
        self._left -= len(chunk)
        if self._left < 0:
            raise Garbled(f"the answer is longer than {self._limit} bytes")
        if not self._streamed:
            self._whole.append(chunk)
            return
        for event in self._frames.feed(chunk):
            if event.strip() == _DONE:
                self.done = True
                return
            self._take(event)

    def reply(self) -> Reply:
        """Give the answer after its last byte."""
        if not self._streamed:
            self._take(b"".join(self._whole))
        if not self._finish:
            raise Garbled("the answer ended without a finish_reason")
        return Reply("".join(self._texts), self._finish, self._model, self._unseen, self._usage)

    def _take(self, data: bytes) -> None:
        try:
            got = msgspec.json.decode(data, type=_Object)
        except (msgspec.DecodeError, UnicodeDecodeError) as fault:
            raise Garbled(f"the answer is not a completion ({fault})") from fault
        if bytes(got.error) not in (b"", b"null") or got.object == "error":
            said = bytes(got.error).decode("utf-8", "replace") if got.error else got.message
            raise Garbled(f"the server broke off the answer: {(said or 'no reason given')[:500]}")
        self._model = got.model or self._model
        if got.usage is not None:
            self._usage = Usage(
                prompt_tokens=got.usage.prompt_tokens,
                completion_tokens=got.usage.completion_tokens,
            )
        for choice in got.choices or ():
            if choice.index == 0:
                self._choice(choice)

    def _choice(self, choice: _Choice) -> None:
        said = choice.delta or choice.message or _Said()
        if said.content:
            self._texts.append(said.content)
        self._unseen += utf8_bytes(said.reasoning_content or said.reasoning or "")
        self._finish = choice.finish_reason or self._finish
