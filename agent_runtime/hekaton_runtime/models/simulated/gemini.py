"""The protocol of the Gemini API (generateContent, whole or streamed) in front of the same answer book.

Its wire has no name for a schema, only the schema; ours are known again by their shape. Pure.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

import msgspec

from hekaton_runtime.answers import AnswerName, schema
from hekaton_runtime.models.protocol import Message
from hekaton_runtime.models.simulated.asked import Asked, Malformed, Positive
from hekaton_runtime.models.simulated.generate import LABEL
from hekaton_runtime.models.simulated.voices import Counted, Finish, event

STREAMED, WHOLE = "streamGenerateContent", "generateContent"
JSON = "application/json"
_FINISH: Mapping[Finish, str] = {"stop": "STOP", "length": "MAX_TOKENS"}
_STATUS = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED"}  # fmt: skip


class _Part(msgspec.Struct, frozen=True):
    text: str


class _Content(msgspec.Struct, frozen=True):
    parts: tuple[_Part, ...]
    role: Literal["user", "model"] = "user"


class _Config(msgspec.Struct, frozen=True):
    max_output_tokens: Positive | None = None
    seed: int | None = None
    candidate_count: Literal[1] | None = None
    response_mime_type: Literal["text/plain", "application/json"] = "text/plain"
    response_json_schema: dict[str, Any] | None = None
    response_schema: dict[str, Any] | None = None


class _Generate(msgspec.Struct, frozen=True):
    contents: Annotated[tuple[_Content, ...], msgspec.Meta(min_length=1)]
    system_instruction: _Content | None = None
    generation_config: _Config = _Config()


def understood(body: bytes, called: str) -> Asked:
    """Read a request to `MODEL:METHOD`; raises `Malformed`."""
    model, _, method = called.rpartition(":")
    if method not in (STREAMED, WHOLE):
        raise Malformed(f"method {method!r} is none of {STREAMED}, {WHOLE}")
    try:
        plain = _snake(msgspec.json.decode(body, type=dict[str, Any]))
        config = _snake(plain.get("generation_config") or {})
        told = msgspec.convert({**plain, "generation_config": config}, type=_Generate)
    except (msgspec.DecodeError, UnicodeDecodeError, AttributeError) as fault:
        raise Malformed(f"the request is no {method} request: {fault}") from fault
    answer, wanted = _form(told.generation_config)
    return Asked(
        model=model,
        messages=_messages(told),
        max_tokens=told.generation_config.max_output_tokens,
        seed=told.generation_config.seed,
        stream=method == STREAMED,
        stream_usage=True,
        answer=answer,
        schema=wanted,
    )


def _snake(fields: dict[str, Any]) -> dict[str, Any]:
    """Both spellings of a field's name are taken, as by the API itself."""
    return {re.sub("[A-Z]", lambda big: f"_{big[0].lower()}", name): one for name, one in fields.items()}  # fmt: skip


def _messages(told: _Generate) -> tuple[Message, ...]:
    first = told.system_instruction
    system = (Message(role="system", content=_text(first)),) if first else ()
    rest = (
        Message(role="user" if one.role == "user" else "assistant", content=_text(one))
        for one in told.contents
    )
    return (*system, *rest)


def _text(content: _Content) -> str:
    return "".join(part.text for part in content.parts)


def _form(config: _Config) -> tuple[str | None, Mapping[str, Any]]:
    if config.response_mime_type != JSON:
        return None, {}
    wanted = config.response_json_schema or config.response_schema
    if wanted is None:
        return "", {"type": "object"}
    names: tuple[AnswerName, ...] = get_args(AnswerName)
    return next((name for name in names if schema(name) == wanted), ""), wanted


@dataclass(frozen=True, slots=True)
class Gemini:
    """How its answers are written."""

    request_id: str
    model: str

    def opening(self) -> bytes:
        return b""

    def piece(self, text: str) -> bytes:
        return event(self._frame(text))

    def closing(self, finish: Finish, counted: Counted | None) -> bytes:
        return event(self._frame("", finish, counted))

    def whole(self, text: str, finish: Finish, counted: Counted | None) -> bytes:
        return msgspec.json.encode(self._frame(text, finish, counted))

    def _frame(
        self, text: str, finish: Finish | None = None, counted: Counted | None = None
    ) -> dict[str, Any]:
        content = {"role": "model", "parts": [{"text": text}]}
        candidate: dict[str, Any] = {"index": 0, "content": content}
        if finish:
            candidate["finishReason"] = _FINISH[finish]
        frame: dict[str, Any] = {
            "candidates": [candidate],
            "modelVersion": f"{self.model} ({LABEL})",
            "responseId": self.request_id,
        }
        if counted:
            frame["usageMetadata"] = {
                "promptTokenCount": counted.prompt,
                "candidatesTokenCount": counted.said,
                "totalTokenCount": counted.prompt + counted.said,
            }
        return frame


def refusal(code: int, said: str) -> bytes:
    """An error as this API writes it."""
    status = _STATUS.get(code, "INTERNAL")
    return msgspec.json.encode({"error": {"code": code, "message": f"{LABEL}: {said}", "status": status}})  # fmt: skip
