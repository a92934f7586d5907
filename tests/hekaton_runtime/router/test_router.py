"""What the router passes on, what it refuses, and what it counts."""

import asyncio
from typing import Any

import pytest

from hekaton_runtime.models.endpoint import ClientSettings
from hekaton_runtime.models.openai import OpenAIModel
from hekaton_runtime.models.protocol import (
    CompletionRequest,
    Message,
    NotBilled,
    OutcomeUnknown,
)
from hekaton_runtime.models.simulated.faults import Fault, Faults

SHORT = ClientSettings(attempts=1)


def request(permit: str) -> CompletionRequest:
    return CompletionRequest(
        model="big",
        messages=(Message(role="user", content="Hello."),),
        max_tokens=500,
        key=permit,
    )


async def test_a_permitted_call_is_answered_through_the_router_with_its_usage(router: Any) -> None:
    model = OpenAIModel(f"{router.url}/v1", settings=SHORT)
    said = await model.complete(request(router.permit()))
    await model.close()
    (bill,) = await router.billed()
    assert said.usage.prompt_tokens == bill["prompt_tokens"]
    assert said.usage.completion_tokens == bill["completion_tokens"]
    assert said.model == "simulated/served"


async def test_the_formation_s_names_are_on_offer_without_a_permit(router: Any) -> None:
    model = OpenAIModel(f"{router.url}/v1")
    assert await model.list_models() == ("big", "paid")
    await model.close()


@pytest.mark.parametrize(
    ("changes", "body", "status", "said"),
    [
        (None, {}, 401, "no permit"),
        ({"expires": 1}, {}, 401, "expired"),
        ({"model": "paid"}, {}, 403, "for model 'paid', not for 'big'"),
        ({}, {"max_tokens": 501}, 403, "allows max_tokens 500"),
        ({}, {"max_completion_tokens": 501}, 403, "allows max_tokens 500"),
        ({}, {"n": 3}, 403, "one answer"),
        ({}, {"model": 7}, 400, "no chat completion"),
        ({"model": "other"}, {"model": "other"}, 404, "known: big, paid"),
    ],
    ids=["none", "expired", "model", "tokens", "other tokens", "answers", "no request", "unknown"],
)
async def test_what_no_permit_covers_is_refused_and_never_sent(
    router: Any, changes: dict[str, Any] | None, body: dict[str, Any], status: int, said: str
) -> None:
    permit = "" if changes is None else router.permit(**changes)
    answer = await router.ask(permit, **body)
    assert answer.status_code == status
    assert said in answer.json()["error"]["message"]
    assert await router.billed() == []


async def test_a_permit_of_another_key_is_refused_and_may_come_again(router: Any) -> None:
    answer = await router.ask(router.permit()[:-2] + "xx")
    assert answer.status_code == 503
    assert "being renewed" in answer.json()["error"]["message"]
    assert await router.billed() == []


async def test_a_permit_is_good_for_one_answer(router: Any) -> None:
    permit = router.permit()
    assert (await router.ask(permit)).status_code == 200
    again = await router.ask(permit)
    assert again.status_code == 403
    assert "used already" in again.json()["error"]["message"]
    assert len(await router.billed()) == 1


async def test_a_refusal_of_the_endpoint_leaves_the_permit_unused(open_router: Any) -> None:
    async with open_router(Faults((Fault("busy", (1,), retry_after=3),))) as router:
        permit = router.permit()
        busy = await router.ask(permit)
        assert (busy.status_code, busy.headers["retry-after"]) == (429, "3")
        assert (await router.ask(permit)).status_code == 200


async def test_tokens_and_money_are_counted_by_model_and_role(router: Any) -> None:
    await router.ask(router.permit())
    (bill,) = await router.billed()
    text = router.figures()
    tokens = 'hekaton_router_tokens_total{kind="%s",model="big",role="sapper"} %s'
    assert tokens % ("prompt", float(bill["prompt_tokens"])) in text
    assert tokens % ("completion", float(bill["completion_tokens"])) in text
    cost = (bill["prompt_tokens"] + 2 * bill["completion_tokens"]) / 1e6
    assert f'hekaton_router_cost_usd_total{{model="big",role="sapper"}} {cost}' in text
    assert 'hekaton_router_requests_total{model="big",outcome="answered",role="sapper"} 1.0' in text


async def test_an_answer_that_breaks_off_has_an_unknown_outcome_and_no_refusal(
    open_router: Any,
) -> None:
    async with open_router(Faults((Fault("cut", (1,)),))) as router:
        model = OpenAIModel(f"{router.url}/v1", settings=SHORT)
        with pytest.raises(OutcomeUnknown):
            await model.complete(request(router.permit()))
        await model.close()
        assert 'outcome="broken"' in router.figures()


async def test_an_endpoint_that_is_away_costs_nothing(open_router: Any) -> None:
    async with open_router(root="http://127.0.0.1:1/v1") as router:
        model = OpenAIModel(f"{router.url}/v1", settings=SHORT)
        with pytest.raises(NotBilled, match="cannot be reached"):
            await model.complete(request(router.permit()))
        await model.close()


async def test_a_caller_that_leaves_ends_the_call_at_the_endpoint(open_router: Any) -> None:
    async with open_router(seconds=30.0) as router:
        call = asyncio.create_task(router.ask(router.permit()))
        await asyncio.sleep(0.3)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        async with asyncio.timeout(10):
            while not (bills := await router.billed()):
                await asyncio.sleep(0.05)
    assert [bill["ending"] for bill in bills] == ["disconnected"]


async def test_the_key_of_an_endpoint_is_never_passed_on(open_router: Any) -> None:
    async with open_router(Faults((Fault("error", (1,)),))) as router:
        answer = await router.ask(router.permit())
        assert "key-of-the-provider" not in answer.text
        assert "key-of-the-provider" not in str(answer.headers)
