"""The seam to language models: one request, one completion, errors whose type says what was billed."""

from typing import Any, Literal, Protocol

import msgspec

from hekaton_runtime.errors import HekatonError
from hekaton_runtime.results import Usage


class Message(msgspec.Struct, frozen=True, kw_only=True):
    role: Literal["system", "user", "assistant"]
    content: str


class AnswerSchema(msgspec.Struct, frozen=True, kw_only=True):
    """A JSON schema the answer must follow, and the name it is sent under."""

    name: str
    schema: dict[str, Any]


class CompletionRequest(msgspec.Struct, frozen=True, kw_only=True):
    model: str
    messages: tuple[Message, ...]
    max_tokens: int
    temperature: float = 0.0
    seed: int | None = None
    answer: AnswerSchema | None = None
    key: str = ""
    """Sent instead of the client's own key, for this call alone: a permit."""

    def __repr__(self) -> str:
        return f"CompletionRequest(model={self.model!r}, max_tokens={self.max_tokens})"


class Completion(msgspec.Struct, frozen=True, kw_only=True):
    text: str
    usage: Usage
    model: str
    seconds: float


class ModelError(HekatonError):
    """The call gave no completion."""


class NotBilled(ModelError):
    """The endpoint refused or could not be reached, also after the retries: nothing was charged."""


class BadRequest(NotBilled):
    """The endpoint says the request itself is wrong (400, 401, 404, 422): a retry is no use."""


class Billed(ModelError):
    """The call was charged, yet its text is no use (`finish_reason` length, empty, not JSON)."""

    def __init__(self, text: str, usage: Usage, kind: Literal["truncated", "invalid"]) -> None:
        super().__init__(text)
        self.usage = usage
        self.kind: Literal["truncated", "invalid"] = kind


class OutcomeUnknown(ModelError):
    """The connection ended after the request was sent: it may have been charged."""


class Model(Protocol):
    """A chat model behind some endpoint."""

    async def complete(self, request: CompletionRequest) -> Completion:
        """Ask once. Cancelling the task closes the connection. Raises `ModelError` alone."""
        ...

    async def close(self) -> None:
        """Release connections; the model is not used afterwards."""
        ...
