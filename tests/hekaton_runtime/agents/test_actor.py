"""An agent asks once, mends nothing, and says truly what the call may have cost."""

import asyncio
import logging
from dataclasses import dataclass, field
from dataclasses import replace as changed

import pytest
from msgspec.structs import replace

from hekaton_runtime.agents.actor import LONGEST_DETAIL, Agent
from hekaton_runtime.agents.profile import Profile
from hekaton_runtime.agents.prompt import render
from hekaton_runtime.answers import schema
from hekaton_runtime.brief import Brief, FileText
from hekaton_runtime.bus.messages import Answered, Faulted, Order
from hekaton_runtime.models.protocol import (
    BadRequest,
    Billed,
    Completion,
    CompletionRequest,
    ModelError,
    NotBilled,
    OutcomeUnknown,
)
from hekaton_runtime.results import Usage

USAGE = Usage(prompt_tokens=100, completion_tokens=7)
PATCH = '{"files": [{"path": "sums.py", "content": "x"}]}'


@dataclass(slots=True)
class Scripted:
    """A model that says one thing, fails in one way, or hangs until it is cancelled."""

    says: str | ModelError | None
    requests: list[CompletionRequest] = field(default_factory=list)
    cancelled: bool = False

    async def complete(self, request: CompletionRequest) -> Completion:
        self.requests.append(request)
        if isinstance(self.says, ModelError):
            raise self.says
        if self.says is None:
            await self.hang()
        return Completion(text=self.says or "", usage=USAGE, model="served-as", seconds=0.5)

    async def hang(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled = True

    async def close(self) -> None:
        pass


@pytest.fixture
def order(brief: Brief) -> Order:
    return Order(
        id="o-1",
        mission="m-1",
        agent="sapper-1",
        brief=brief,
        answer="patch",
        max_tokens=800,
        seed=7,
        seconds=30.0,
    )


async def test_a_fitting_answer_is_passed_on_as_it_is(profile: Profile, order: Order) -> None:
    outcome = await Agent(profile, Scripted(f" {PATCH}\n")).answer(order)
    assert outcome == Answered(
        text=f" {PATCH}\n", usage=USAGE, model="served-as", seconds=0.5, instance=""
    )


async def test_the_request_carries_prompt_schema_and_limits(profile: Profile, order: Order) -> None:
    model = Scripted(PATCH)
    await Agent(profile, model).answer(order)
    (request,) = model.requests
    assert request.messages == render(profile, order.brief, "patch", 800)
    assert request.answer is not None
    assert (request.answer.name, request.answer.schema) == ("patch", schema("patch"))
    assert (request.model, request.temperature) == ("model-a", 0.2)
    assert (request.max_tokens, request.seed) == (800, 7)


async def test_an_order_cannot_ask_for_more_than_the_profile_allows(
    profile: Profile, order: Order
) -> None:
    model = Scripted(PATCH)
    await Agent(profile, model).answer(replace(order, max_tokens=5000))
    assert model.requests[0].max_tokens == profile.max_tokens
    assert model.requests[0].messages == render(profile, order.brief, "patch", 5000)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no json",
        f"```json\n{PATCH}\n```",
        PATCH[:-1],
        f"{PATCH}{PATCH}",
        '{"files": []}',
        '{"files": [{"path": "a"}], "note": "more"}',
    ],
)
async def test_an_unfit_answer_is_invalid_and_charged_at_its_usage(
    profile: Profile, order: Order, text: str
) -> None:
    outcome = await Agent(profile, Scripted(text)).answer(order)
    assert isinstance(outcome, Faulted)
    assert (outcome.kind, outcome.usage, outcome.billed) == ("invalid", USAGE, True)
    assert "patch" in outcome.detail


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (
            Billed("cut off", USAGE, "truncated"),
            Faulted(kind="truncated", detail="cut off", usage=USAGE, billed=True),
        ),
        (
            Billed("empty", USAGE, "invalid"),
            Faulted(kind="invalid", detail="empty", usage=USAGE, billed=True),
        ),
        (
            BadRequest("no such model"),
            Faulted(kind="rejected", detail="no such model", usage=None, billed=False),
        ),
        (
            NotBilled("refused"),
            Faulted(kind="unavailable", detail="refused", usage=None, billed=False),
        ),
        (
            OutcomeUnknown("reset"),
            Faulted(kind="unknown", detail="reset", usage=None, billed=True),
        ),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_each_model_error_becomes_its_fault(
    profile: Profile, order: Order, error: ModelError, fault: Faulted
) -> None:
    assert await Agent(profile, Scripted(error)).answer(order) == fault


async def test_a_call_that_takes_too_long_is_cancelled_and_may_have_cost(
    profile: Profile, order: Order
) -> None:
    model = Scripted(None)
    outcome = await Agent(profile, model).answer(replace(order, seconds=0.02))
    assert outcome == Faulted(
        kind="unknown",
        detail="'sapper-1' had no answer from 'model-a' in 0.02 s.",
        usage=None,
        billed=True,
    )
    assert model.cancelled


async def test_cancelling_cancels_the_call_and_is_passed_on(profile: Profile, order: Order) -> None:
    model = Scripted(None)
    task = asyncio.create_task(Agent(profile, model).answer(order))
    while not model.requests:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert model.cancelled


async def test_a_goal_that_does_not_fit_is_rejected_without_a_call(
    profile: Profile, order: Order
) -> None:
    model = Scripted(PATCH)
    outcome = await Agent(changed(profile, context_length=1000), model).answer(order)
    assert isinstance(outcome, Faulted)
    assert (outcome.kind, outcome.usage, outcome.billed) == ("rejected", None, False)
    assert model.requests == []


async def test_an_endless_fault_is_shortened(profile: Profile, order: Order) -> None:
    outcome = await Agent(profile, Scripted(NotBilled("x" * 100_000))).answer(order)
    assert isinstance(outcome, Faulted)
    assert len(outcome.detail) == LONGEST_DETAIL


async def test_what_was_cut_is_logged(
    profile: Profile, order: Order, caplog: pytest.LogCaptureFixture
) -> None:
    files = (FileText(path="big.py", text="x = 1\n" * 30_000),)
    large = replace(order, brief=replace(order.brief, files=files))
    with caplog.at_level(logging.WARNING):
        await Agent(profile, Scripted(PATCH)).answer(large)
    (line,) = caplog.messages
    assert line.startswith("order o-1: 6 cuts to fit: files 'big.py' shortened by ")
    assert line.endswith("; tree 'sums.py' left out")
