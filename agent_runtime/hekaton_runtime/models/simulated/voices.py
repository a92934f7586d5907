"""How an answer is written on the wire: one voice for each protocol that the simulated server speaks. Pure."""

from dataclasses import dataclass
from typing import Any, Literal, Protocol

import msgspec

from hekaton_runtime.models.simulated.generate import LABEL

Finish = Literal["stop", "length"]


@dataclass(frozen=True, slots=True)
class Counted:
    """What an answer says that it took, in tokens."""

    prompt: int
    said: int


class Voice(Protocol):
    """Bytes for the beginning of a stream, each piece of it, its end, and an answer in one piece.

    `counted` is None where the answer does not say what it took.
    """

    def opening(self) -> bytes: ...

    def piece(self, text: str) -> bytes: ...

    def closing(self, finish: Finish, counted: Counted | None) -> bytes: ...

    def whole(self, text: str, finish: Finish, counted: Counted | None) -> bytes: ...


@dataclass(frozen=True, slots=True)
class OpenAI:
    """Chat completions."""

    request_id: str
    model: str
    created: int
    """Seconds since 1970."""
    stream_usage: bool
    """Whether a stream names its usage: only where that was asked for."""

    def opening(self) -> bytes:
        return self._event({"role": "assistant", "content": ""})

    def piece(self, text: str) -> bytes:
        return self._event({"content": text})

    def closing(self, finish: Finish, counted: Counted | None) -> bytes:
        end = self._event({}, finish)
        if counted and self.stream_usage:
            end += event({**self._frame(), "choices": [], "usage": _usage(counted)})
        return end + b"data: [DONE]\n\n"

    def whole(self, text: str, finish: Finish, counted: Counted | None) -> bytes:
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "finish_reason": finish}
        value = {**self._frame(), "object": "chat.completion", "choices": [choice]}
        if counted:
            value["usage"] = _usage(counted)
        return msgspec.json.encode(value)

    def _event(self, delta: dict[str, str], finish: Finish | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return event({**self._frame(), "choices": [choice]})

    def _frame(self) -> dict[str, Any]:
        return {
            "id": self.request_id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "system_fingerprint": LABEL,
        }


def event(value: dict[str, Any]) -> bytes:
    """One server-sent event."""
    return b"data: " + msgspec.json.encode(value) + b"\n\n"


def _usage(counted: Counted) -> dict[str, int]:
    return {
        "prompt_tokens": counted.prompt,
        "completion_tokens": counted.said,
        "total_tokens": counted.prompt + counted.said,
    }
