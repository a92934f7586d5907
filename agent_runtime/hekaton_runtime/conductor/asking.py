"""Ask agents under the ledger: reserve the worst case, send, settle what it cost, journal the result.

An outcome that nobody knows (agent lost, connection cut) stays charged at its reservation, and the
question is asked again under a new one.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never

from hekaton_runtime.agents.profile import Profile
from hekaton_runtime.agents.prompt import ContextTooSmall, compose
from hekaton_runtime.answers import schema
from hekaton_runtime.bus.caller import Caller
from hekaton_runtime.bus.messages import Answered, Faulted, Order, Outcome
from hekaton_runtime.conductor.events import Asking, Replied, Waiting, Watch
from hekaton_runtime.effects import Ask
from hekaton_runtime.errors import Overbilled, Unavailable
from hekaton_runtime.journal.postgres import Journal
from hekaton_runtime.ledger.accounts import RELEASED, UNKNOWN, Bill, Call, Ledger, Wait
from hekaton_runtime.ledger.money import Amount, Price
from hekaton_runtime.models.bound import prompt_bound
from hekaton_runtime.models.protocol import AnswerSchema
from hekaton_runtime.results import Answer, Asked, Failed, Refused

AGAIN = 3  # questions whose outcome got lost are asked so often in all


@dataclass(frozen=True, slots=True)
class Seated:
    """What the conductor must know of an agent to price its calls."""

    profile: Profile
    price: Price


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for what is away, seconds."""

    call: float = 600.0
    """One model call, as an agent may spend on it."""
    endpoint: float = 120.0
    """An endpoint or all agents of a seat away, before the mission stops (resumable)."""
    nap: float = 0.5
    """First pause between two tries; doubles up to ten seconds."""


class Purse:
    """Reserve and settle; waits for calls in flight when they alone stand in the way."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._freed = asyncio.Event()

    async def open(self, call: Call) -> Refused | None:
        while True:
            freed = self._freed
            verdict = await self.ledger.open(call)
            if not isinstance(verdict, Wait):
                return verdict
            try:
                await asyncio.wait_for(freed.wait(), 1.0)
            except TimeoutError:
                continue  # another process's calls, or a settlement between the two lines above

    def freed(self) -> None:
        """Some call has ended: whoever waits for room looks again."""
        self._freed.set()
        self._freed = asyncio.Event()


class Asker:
    """Performs `Ask`. The journal's fencing token makes call ids unique among all owners of the mission."""

    def __init__(
        self, journal: Journal, seats: Mapping[str, Seated], caller: Caller, purse: Purse,
        watch: Watch, patience: Patience,
    ) -> None:  # fmt: skip
        self._journal = journal
        self._seats = seats
        self._caller = caller
        self.purse = purse
        self.watch = watch
        self._patience = patience

    async def ask(self, path: str, mark: bytes, ask: Ask) -> Asked:
        """Until there is an answer, a refusal, or a failure that asking again cannot mend."""
        waited, nap, lost = 0.0, self._patience.nap, 0
        for attempt in range(1, 1000):
            opened = await self.open(path, ask, attempt)
            if not isinstance(opened, Opened):
                await self._journal.append(path, mark, opened)
                return opened
            outcome = await self._send(opened)
            match outcome:
                case Faulted(kind="unavailable", detail=why) if waited < self._patience.endpoint:
                    await self.close(opened, RELEASED)
                    self.watch(Waiting(why=why))
                    await asyncio.sleep(nap)
                    waited, nap = waited + nap, min(10.0, nap * 2)
                case Faulted(kind="unavailable", detail=why):
                    await self.close(opened, RELEASED)
                    raise Unavailable(why)
                case Faulted(billed=True, usage=None) if lost < AGAIN - 1:
                    await self.close(opened, UNKNOWN)
                    lost += 1
                case _:
                    return await self.settle(opened, path, mark, outcome)
        raise Unavailable(f"{ask.agent} could not be asked in 999 tries.")

    async def open(self, path: str, ask: Ask, attempt: int) -> "Opened | Refused | Failed":
        """Reserve; a context too small for the brief is a failure that costs nothing."""
        seat = self._seats[ask.agent]
        limit = seat.profile.max_tokens
        try:
            prompt = compose(seat.profile, ask.brief, ask.answer, limit)
        except ContextTooSmall as fault:
            return Failed(kind="rejected", detail=str(fault))
        bound = prompt_bound(
            prompt.messages, AnswerSchema(name=ask.answer, schema=schema(ask.answer))
        )
        worst = Amount(bound + limit, seat.price.cost(bound, limit))
        call = Call(
            id=f"{path}#{self._journal.token}.{attempt}", path=path, accounts=ask.account, agent=ask.agent,
            role=seat.profile.role, model=seat.profile.model, worst=worst,
        )  # fmt: skip
        if refused := await self.purse.open(call):
            return refused
        self.watch(Asking(agent=ask.agent, step=ask.brief.step, tokens=worst.tokens))
        order = Order(
            id=f"{self._journal.mission}{call.id}", mission=self._journal.mission, agent=ask.agent, brief=ask.brief,
            answer=ask.answer, max_tokens=limit, seed=ask.sample, seconds=self._patience.call,
        )  # fmt: skip
        return Opened(call, order, seat, time.monotonic())

    async def _send(self, opened: "Opened") -> Outcome:
        try:
            return await self._caller.ask(opened.order)
        except asyncio.CancelledError:
            await asyncio.shield(self.close(opened, UNKNOWN))
            raise

    async def close(self, opened: "Opened", bill: Bill) -> None:
        await self.purse.ledger.close(opened.call.id, bill)
        self.purse.freed()

    async def settle(self, opened: "Opened", path: str, mark: bytes, outcome: Outcome) -> Asked:
        """Close the call and journal what came of it, in one transaction."""
        bill, result = judged(opened.seat, outcome)
        overrun = await self.purse.ledger.finish(opened.call.id, bill, path, mark, result)
        self.purse.freed()
        fault = result.detail if isinstance(result, Failed) else ""
        self.watch(
            Replied(
                agent=opened.call.agent,
                step=opened.order.brief.step,
                fault=fault,
                tokens=bill.usage.prompt_tokens + bill.usage.completion_tokens,
                micros=bill.micros,
                model=outcome.model if isinstance(outcome, Answered) else opened.call.model,
                seconds=time.monotonic() - opened.since,
            )  # fmt: skip
        )
        if overrun:
            raise Overbilled(
                f"{opened.call.model} billed more than the worst case of its call ({opened.call.worst.tokens} tokens)."
                " Its token counts cannot be trusted to keep a budget; see `hekaton show`."
            )
        return result


@dataclass(frozen=True, slots=True)
class Opened:
    """A call that the ledger holds a reservation for."""

    call: Call
    order: Order
    seat: Seated
    since: float


def judged(seat: Seated, outcome: Outcome) -> tuple[Bill, Answer | Failed]:
    """What an outcome costs and what the strategy hears of it. Pure."""
    match outcome:
        case Answered(text=text, usage=usage, model=model, instance=instance):
            cost = seat.price.cost(usage.prompt_tokens, usage.completion_tokens)
            answer = Answer(
                text=text, agent=instance or seat.profile.name, model=model,
                tokens=usage.prompt_tokens + usage.completion_tokens, micros=cost,
            )  # fmt: skip
            return Bill("settled", usage, cost), answer
        case Faulted(kind=kind, detail=detail, usage=None, billed=billed):
            return UNKNOWN if billed else RELEASED, Failed(kind=kind, detail=detail)
        case Faulted(kind=kind, detail=detail, usage=usage):
            assert usage is not None
            cost = seat.price.cost(usage.prompt_tokens, usage.completion_tokens)
            return Bill("settled", usage, cost), Failed(kind=kind, detail=detail)
        case _:
            assert_never(outcome)
