"""Models of providers inside one process, through LiteLLM as it is, to a simulated Gemini API."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from hekaton_runtime.answers import Plan, parse, schema
from hekaton_runtime.models.endpoint import ClientSettings
from hekaton_runtime.models.openai import OpenAIModel
from hekaton_runtime.models.protocol import (
    AnswerSchema,
    BadRequest,
    Billed,
    Completion,
    CompletionRequest,
    Message,
    NotBilled,
    OutcomeUnknown,
)
from hekaton_runtime.models.simulated.book import Book
from hekaton_runtime.models.simulated.faults import Fault, Faults
from hekaton_runtime.models.simulated.server import serve
from hekaton_runtime.models.simulated.settings import SimulatedModel, SimulatedSettings
from hekaton_runtime.router.inside import Inside, inside
from hekaton_runtime.router.providers import ProviderUpstream, why_not_here
from hekaton_runtime.router.routes import Route

SECRET = "key-of-the-provider"
SERVED = "gemini/simulated/gemini-2.5-pro"


@dataclass(frozen=True)
class Open:
    """The address inside, and the provider's bill."""

    where: Inside
    provider: str

    async def ask(self, model: str = "thinker", token: str = "") -> Completion:
        client = OpenAIModel(
            self.where.root(model), token or self.where.token, ClientSettings(attempts=1)
        )
        request = CompletionRequest(
            model=SERVED, messages=(Message(role="user", content="Plan it."),), max_tokens=4000,
            answer=AnswerSchema(name="plan", schema=schema("plan")), seed=1,
        )  # fmt: skip
        try:
            return await client.complete(request)
        finally:
            await client.close()

    async def billed(self) -> list[dict[str, Any]]:
        async with httpx.AsyncClient(trust_env=False) as client:
            calls: list[dict[str, Any]] = (await client.get(f"{self.provider}/billing")).json()[
                "calls"
            ]
            return calls


Opener = Callable[..., Any]


@pytest.fixture
def opened() -> Opener:
    @asynccontextmanager
    async def make(*faults: Fault, key: str = SECRET) -> AsyncIterator[Open]:
        model = SimulatedModel("gemini-2.5-pro")
        settings = SimulatedSettings((model,), Book(), key=SECRET, faults=Faults(faults))
        async with AsyncExitStack() as stack:
            provider = await stack.enter_async_context(serve(settings))
            routes = {"thinker": Route("thinker", SERVED, f"{provider}/v1beta", True, key)}
            where = await stack.enter_async_context(inside(routes, ProviderUpstream()))
            yield Open(where, provider)

    return make


async def test_an_answer_comes_with_what_the_provider_counted(opened: Opener) -> None:
    async with opened() as door:
        said = await door.ask()
        (call,) = await door.billed()
    parse(said.text, Plan)
    assert (said.usage.prompt_tokens, said.usage.completion_tokens) == (
        call["prompt_tokens"],
        call["completion_tokens"],
    )
    assert said.model.startswith("simulated/")  # which is what the SITREP says SIMULATED by


@pytest.mark.parametrize(
    ("fault", "error"),
    [("busy", NotBilled), ("error", NotBilled), ("cut", OutcomeUnknown), ("garbage", Billed)],
)  # fmt: skip
async def test_a_fault_of_the_provider_is_told_by_what_it_may_have_cost(
    opened: Opener, fault: Any, error: type[Exception]
) -> None:
    async with opened(Fault(fault, (1,))) as door:
        with pytest.raises(error) as told:
            await door.ask()
    assert SECRET not in str(told.value)


async def test_a_wrong_key_is_told_without_showing_it(opened: Opener) -> None:
    async with opened(key="another-secret-key") as door:
        with pytest.raises(BadRequest) as told:
            await door.ask()
    assert "another-secret-key" not in str(told.value)


async def test_nobody_else_on_the_machine_may_ask(opened: Opener) -> None:
    async with opened() as door:
        with pytest.raises(BadRequest, match="opened it alone"):
            await door.ask(token="guessed")
        assert await door.billed() == []
    assert door.where.token not in repr(door.where)


async def test_an_unknown_model_is_named_with_those_there_are(opened: Opener) -> None:
    async with opened() as door:
        with pytest.raises(BadRequest, match="thinker"):
            await door.ask("other")


def test_an_absent_litellm_is_told_with_the_extra_that_brings_it() -> None:
    def absent(name: str) -> str:
        raise ModuleNotFoundError(name)

    assert "hekaton[router]" in why_not_here(absent)
    assert why_not_here(lambda name: "1.83.0") == ""
    assert "tampered" in why_not_here(lambda name: "1.82.8")
