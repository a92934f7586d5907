"""The client against the simulated server: completions, usage, cancellation, billing."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hekaton_runtime.answers import Patch, parse
from hekaton_runtime.errors import BadInput
from hekaton_runtime.models.bound import prompt_bound
from hekaton_runtime.models.openai import OpenAIModel
from hekaton_runtime.models.probe import probe
from hekaton_runtime.models.protocol import (
    BadRequest,
    Billed,
    Completion,
    CompletionRequest,
    Model,
    NotBilled,
    OutcomeUnknown,
)
from hekaton_runtime.models.simulated.app import simulated_app
from hekaton_runtime.models.simulated.book import Book, Entry
from hekaton_runtime.models.simulated.faults import Fault, Faults
from hekaton_runtime.models.simulated.server import serve
from hekaton_runtime.models.simulated.settings import SimulatedModel, SimulatedSettings
from hekaton_runtime.results import Usage

Ask = Callable[..., CompletionRequest]
Client = Callable[..., OpenAIModel]
Get = Callable[[str], Awaitable[Any]]
RIGHT = {"files": [{"path": "f.py", "content": "def f():\n    return 1\n"}]}
BOOK = Book((Entry("f", "Write f.", {"patch": RIGHT}),))


def settings(*faults: Fault, **model: float) -> SimulatedSettings:
    return SimulatedSettings(
        models=(SimulatedModel("m", **model),), book=BOOK, faults=Faults(faults)
    )


class Watched:
    """Passes everything on, and tells when the first and how many pieces of a stream were sent."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.spoke = asyncio.Event()
        self.sent = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def watch(message: Message) -> None:
            await send(message)
            if b"data: " in message.get("body", b""):
                self.sent += 1
            if self.sent > 1:
                self.spoke.set()

        await self.app(scope, receive, watch)


async def test_a_completion_has_its_text_and_usage(client: Client, ask: Ask, get: Get) -> None:
    async with serve(settings()) as url:
        done = await client(url).complete(ask(answer="patch"))
        bill = await get(f"{url}/billing")
    assert parse(done.text, Patch).files[0].content == "def f():\n    return 1\n"
    assert done.model == "simulated/m"
    assert not done.usage.estimated
    assert bill["totals"]["completion_tokens"] == done.usage.completion_tokens


async def test_a_client_is_a_model(client: Client) -> None:
    model: Model = client("http://127.0.0.1:1", "sk-very-secret")
    assert repr(model) == "OpenAIModel('http://127.0.0.1:1/v1')"


async def test_a_key_with_a_line_break_is_refused_unseen() -> None:
    with pytest.raises(BadInput) as caught:
        OpenAIModel("http://127.0.0.1:1", "sk-very\nsecret")
    assert "very" not in str(caught.value)


async def test_a_truncated_answer_is_charged(client: Client, ask: Ask) -> None:
    async with serve(settings()) as url:
        with pytest.raises(Billed, match="maxTokens") as caught:
            await client(url).complete(ask(answer="patch", max_tokens=9))
    assert caught.value.kind == "truncated"
    assert caught.value.usage.completion_tokens == 9


async def test_a_server_that_counts_nothing_is_estimated(client: Client, ask: Ask) -> None:
    async with serve(settings(Fault("no_usage", rate=1.0))) as url:
        done = await client(url).complete(ask(answer="patch"))
    assert done.usage.estimated
    assert done.usage.completion_tokens == -(-len(done.text) // 3)


async def test_an_unknown_model_is_answered_with_those_on_offer(client: Client, ask: Ask) -> None:
    async with serve(settings()) as url:
        with pytest.raises(BadRequest, match=r"404.*'nope'.*on offer: simulated/m\."):
            await client(url).complete(ask(model="nope"))


async def test_a_missing_key_is_named_and_a_wrong_one_hidden(client: Client, ask: Ask) -> None:
    locked = SimulatedSettings(models=(SimulatedModel("m"),), key="sk-right")
    async with serve(locked) as url:
        assert (await client(url, "sk-right").complete(ask())).text.startswith("SIMULATED")
        with pytest.raises(BadRequest, match="401.*OPENAI_API_KEY") as caught:
            await client(url, "sk-wrong").complete(ask())
    assert "sk-" not in str(caught.value)


async def test_a_cancelled_call_stops_the_generation_and_is_billed_so_far(
    client: Client, ask: Ask, get: Get
) -> None:
    server = Watched(simulated_app(settings(seconds_per_token=0.1)))
    async with serve(server) as url:
        call = asyncio.create_task(client(url).complete(ask(answer="patch")))
        await server.spoke.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        calls: list[Any] = []
        while not calls:
            calls = (await get(f"{url}/billing"))["calls"]
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.5)
        assert server.sent == calls[0]["completion_tokens"] // 4 + 1
        assert (await get(f"{url}/billing"))["calls"] == calls
    assert calls[0]["ending"] == "disconnected"
    assert calls[0]["prompt_tokens"] > 0
    assert 4 <= calls[0]["completion_tokens"] < 40


async def test_a_hanging_server_is_an_unknown_outcome(client: Client, ask: Ask, get: Get) -> None:
    async with serve(settings(Fault("hang", rate=1.0))) as url:
        with pytest.raises(OutcomeUnknown, match="silent for 0.2 s"):
            await client(url, first_byte_seconds=0.2).complete(ask())
        calls: list[Any] = []
        while not calls:
            calls = (await get(f"{url}/billing"))["calls"]
    assert (len(calls), calls[0]["completion_tokens"]) == (1, 0)


async def test_a_busy_server_is_asked_again(client: Client, ask: Ask, get: Get) -> None:
    faults = (Fault("busy", requests=(1,)), Fault("error", requests=(2,)))
    async with serve(settings(*faults)) as url:
        done = await client(url).complete(ask())
        bill = await get(f"{url}/billing")
    assert done.text.startswith("SIMULATED")
    assert [call["request_id"] for call in bill["calls"]] == ["simulated-3"]


@pytest.mark.parametrize("kind", ["garbage", "cut", "huge"])
async def test_an_answer_that_breaks_off_is_unknown_and_asked_once(
    client: Client, ask: Ask, get: Get, kind: Any
) -> None:
    async with serve(settings(Fault(kind, rate=1.0, size=1 << 20))) as url:
        with pytest.raises(OutcomeUnknown, match="may have been billed"):
            await client(url, body_limit=300_000).complete(ask(answer="patch"))
        calls: list[Any] = []
        while not calls:
            calls = (await get(f"{url}/billing"))["calls"]
    assert len(calls) == 1


@pytest.mark.parametrize("kind", ["truncated_json", "wrong_schema"])
async def test_a_spoiled_answer_is_charged_as_it_came(
    client: Client, ask: Ask, get: Get, kind: Any
) -> None:
    async with serve(settings(Fault(kind, rate=1.0))) as url:
        try:
            usage = (await client(url).complete(ask(answer="patch"))).usage
        except Billed as fault:
            usage = fault.usage
        totals = (await get(f"{url}/billing"))["totals"]
    assert totals["completion_tokens"] == usage.completion_tokens


async def test_the_bill_is_what_the_client_saw_and_never_above_the_bound(
    client: Client, ask: Ask, get: Get
) -> None:
    faults = (
        Fault("busy", requests=(2, 5)),
        Fault("error", requests=(7,)),
        Fault("truncated_json", requests=(8,)),
        Fault("wrong_schema", requests=(10,)),
        Fault("cut", requests=(13, 20)),
        Fault("garbage", requests=(15,)),
    )
    asked = [
        ask(f"Write f. Number {n} ä", answer="patch", max_tokens=20 if n % 7 == 3 else 500, seed=n)
        for n in range(24)
    ]

    async def usage(model: OpenAIModel, request: CompletionRequest) -> Usage | None:
        try:
            return (await model.complete(request)).usage
        except Billed as fault:
            return fault.usage
        except OutcomeUnknown:
            return None

    async with serve(settings(*faults)) as url:
        model = client(url)
        seen = await asyncio.gather(*(usage(model, request) for request in asked))
        bill = await get(f"{url}/billing")
    known = [call for call in bill["calls"] if call["ending"] != "fault"]
    counted = [one for one in seen if one is not None]
    assert len(bill["calls"]) == len(asked)
    assert len(known) == len(counted) == len(asked) - 3
    for name in ("prompt_tokens", "completion_tokens"):
        assert sum(call[name] for call in known) == sum(getattr(one, name) for one in counted)
    bounds = sum(prompt_bound(one.messages, one.answer) + one.max_tokens for one in asked)
    assert bill["totals"]["prompt_tokens"] + bill["totals"]["completion_tokens"] <= bounds


async def test_the_same_request_gets_the_same_answer_after_a_restart(
    client: Client, ask: Ask
) -> None:
    async def answers(order: list[int]) -> dict[int, str]:
        given: dict[int, Completion] = {}
        async with serve(settings(competence=0.5)) as url:
            model = client(url)
            for seed in order:
                given[seed] = await model.complete(ask(answer="patch", seed=seed))
        return {seed: done.text for seed, done in given.items()}

    first = await answers(list(range(8)))
    assert first == await answers(list(reversed(range(8))))
    assert len(set(first.values())) > 1


async def test_models_are_listed(client: Client) -> None:
    async with serve(SimulatedSettings()) as url:
        models = await client(url).list_models()
    assert models == ("simulated/small", "simulated/medium", "simulated/large")


async def test_a_list_that_is_none_is_refused(client: Client) -> None:
    async with serve(settings()) as url:
        with pytest.raises(NotBilled, match="GET .*404"):
            await client(f"{url}/other").list_models()


async def test_a_probe_tells_what_an_endpoint_can(get: Get) -> None:
    async with serve(settings()) as url:
        report = await probe(url)
        spent = (await get(f"{url}/billing"))["totals"]["completion_tokens"]
    assert (report.reachable, report.models) == (True, ("simulated/m",))
    assert (report.json_schema, report.detail) == (True, "")
    assert report.seconds > 0
    assert spent <= 16


async def test_a_probe_of_nothing_says_so() -> None:
    report = await probe("http://127.0.0.1:1")
    assert not report.reachable
    assert report.json_schema is None
    assert "http://127.0.0.1:1/v1/models" in report.detail


async def test_a_probe_without_the_key_says_so() -> None:
    async with serve(SimulatedSettings(key="sk-right")) as url:
        report = await probe(url)
    assert not report.reachable
    assert "OPENAI_API_KEY" in report.detail
