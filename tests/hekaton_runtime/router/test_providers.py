"""Models of providers: what LiteLLM gives becomes what OpenAI's protocol looks like.

`Stand` answers in LiteLLM's place, as its `acompletion` does for a Gemini endpoint.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from hekaton_runtime.models.endpoint import ClientSettings
from hekaton_runtime.models.openai import OpenAIModel
from hekaton_runtime.models.protocol import (
    BadRequest,
    CompletionRequest,
    Message,
    NotBilled,
    OutcomeUnknown,
)
from hekaton_runtime.router.providers import why_not_version

CHUNKS = (
    '{"object":"chat.completion.chunk","model":"some","choices":[{"index":0,"delta":{"content":"{}"}}]}',
    '{"object":"chat.completion.chunk","model":"some","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}',
    '{"object":"chat.completion.chunk","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3}}',
)


@dataclass(frozen=True)
class Chunk:
    text: str

    def model_dump_json(self, *, exclude_none: bool) -> str:
        assert exclude_none
        return self.text


class Refusal(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(f"status {status} for key-of-the-provider")
        self.status_code = status


class APIConnectionError(Refusal):
    """As LiteLLM's: its status says nothing."""


@dataclass
class Stand:
    """Gives chunks; raises `fault` after so many of them, or at once."""

    fault: Exception | None = None
    after: int = -1
    asked: dict[str, Any] = field(default_factory=dict)

    def load(self) -> Any:
        return self.complete

    async def complete(self, **asked: Any) -> AsyncIterator[Chunk]:
        self.asked.update(asked)
        if self.fault and self.after < 0:
            raise self.fault
        return self.chunks()

    async def chunks(self) -> AsyncIterator[Chunk]:
        for number, text in enumerate(CHUNKS):
            if self.fault and number == self.after:
                raise self.fault
            yield Chunk(text)


async def ask(router: Any) -> Any:
    model = OpenAIModel(f"{router.url}/v1", settings=ClientSettings(attempts=1))
    request = CompletionRequest(
        model="paid", messages=(Message(role="user", content="Hello."),), max_tokens=50,
        key=router.permit(model="paid"),
    )  # fmt: skip
    try:
        return await model.complete(request)
    finally:
        await model.close()


async def test_a_provider_s_answer_reaches_the_agent_with_its_usage(open_router: Any) -> None:
    stand = Stand()
    async with open_router(provider=stand.load) as router:
        said = await ask(router)
        assert 'model="paid",role="sapper"} 7.0' in router.figures()
    assert (said.text, said.usage.prompt_tokens, said.usage.completion_tokens) == ("{}", 7, 3)


async def test_the_provider_is_asked_with_its_own_name_and_key_and_without_retries(
    open_router: Any,
) -> None:
    stand = Stand()
    async with open_router(provider=stand.load) as router:
        await ask(router)
    told = stand.asked
    assert (told["model"], told["api_key"], told["api_base"]) == (
        "gemini/some",
        "key-of-the-provider",
        None,
    )
    assert (told["num_retries"], told["max_retries"], told["max_tokens"]) == (0, 0, 50)


@pytest.mark.parametrize("after", [-1, 0], ids=["at once", "with the first chunk"])
async def test_a_provider_s_refusal_costs_nothing_and_hides_the_key(
    open_router: Any, after: int
) -> None:
    async with open_router(provider=Stand(Refusal(429), after).load) as router:
        with pytest.raises(NotBilled, match="429") as fault:
            await ask(router)
    assert "key-of-the-provider" not in str(fault.value)


async def test_a_wrong_key_is_a_bad_request(open_router: Any) -> None:
    async with open_router(provider=Stand(Refusal(401)).load) as router:
        with pytest.raises(BadRequest):
            await ask(router)


@pytest.mark.parametrize(
    ("fault", "after"),
    [(Refusal(500), 1), (APIConnectionError(500), -1), (ValueError("no status"), -1)],
    ids=["in the midst", "the connection", "anything else"],
)
async def test_what_may_have_been_billed_has_an_unknown_outcome(
    open_router: Any, fault: Exception, after: int
) -> None:
    async with open_router(provider=Stand(fault, after).load) as router:
        with pytest.raises(OutcomeUnknown):
            await ask(router)


@pytest.mark.parametrize(
    ("version", "fine"),
    [("1.83.0", True), ("1.106.2", True), ("2.0", True), ("1.82.7", False), ("1.82.8", False), ("1.82.6", False)],
)  # fmt: skip
def test_releases_that_were_tampered_with_are_never_used(version: str, fine: bool) -> None:
    assert (why_not_version(version) == "") is fine
