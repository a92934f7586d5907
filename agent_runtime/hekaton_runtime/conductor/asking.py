"""Ask agents under the ledger: reserve the worst case, send, settle what it cost, journal the result.

An outcome that nobody knows (agent lost, connection cut) stays charged at its reservation, and the
question is asked again under a new one.
"""

import asyncio
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
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
from hekaton_runtime.permits.signer import Signer
from hekaton_runtime.results import Answer, Asked, Failed, Refused

WORKERS = 20  # questions on their way at once, rounds of a debate aside
AGAIN = 3  # questions whose outcome got lost are asked so often in all


@dataclass(frozen=True, slots=True)
class Seated:
    """What the conductor must know of an agent to price its calls."""

    profile: Profile
    price: Price
    entry: str = ""
    """Its model's name in the formation."""


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
        self._opening = 0
        self._flying: set[str] = set()

    async def open(self, call: Call, *, held: bool = False) -> Refused | None:
        """A `held` call is not sent before others are open too, so nobody waits for it to end."""
        while True:
            freed = self._freed
            verdict = await self._reserve(call)
            if verdict is None and not held:
                self._flying.add(call.id)
            if not isinstance(verdict, Wait):
                return verdict
            if not self._flying and not self._opening and freed is self._freed:
                return verdict.short  # no call is on its way that could give anything back
            with suppress(TimeoutError):  # a settlement between the lines above
                async with asyncio.timeout(1.0):  # wait_for could lose a cancellation
                    await freed.wait()

    async def close(self, call: str, bill: Bill) -> None:
        await self.ledger.close(call, bill)
        self.freed(call)

    def launch(self, calls: Iterable[str]) -> None:
        """Calls that were held are on their way now."""
        self._flying.update(calls)

    def freed(self, call: str) -> None:
        """A call has ended: whoever waits for room looks again."""
        self._flying.discard(call)
        self._freed.set()
        self._freed = asyncio.Event()

    async def _reserve(self, call: Call) -> Refused | Wait | None:
        self._opening += 1
        try:
            return await self.ledger.open(call)
        except asyncio.CancelledError:
            # The statement may have taken effect; what was never sent costs nothing.
            await asyncio.shield(self.close(call.id, RELEASED))
            raise
        finally:
            self._opening -= 1


class Asker:
    """Performs `Ask`. The journal's fencing token makes call ids unique among all owners of the mission."""

    def __init__(
        self, journal: Journal, seats: Mapping[str, Seated], caller: Caller, purse: Purse,
        watch: Watch, patience: Patience, signer: Signer | None = None, workers: int = WORKERS,
    ) -> None:  # fmt: skip
        self._slots = asyncio.Semaphore(workers)
        self._signer = signer
        self._journal = journal
        self._seats = seats
        self._caller = caller
        self.purse = purse
        self.watch = watch
        self._patience = patience

    async def ask(self, path: str, mark: bytes, ask: Ask) -> Asked:
        """Until there is an answer, a refusal, or a failure that asking again cannot mend."""
        async with self._slots:
            return await self._ask(path, mark, ask)

    async def _ask(self, path: str, mark: bytes, ask: Ask) -> Asked:
        outage, lost = Outage(self._patience), 0
        for attempt in range(1, 1000):
            opened = await self.open(path, ask, attempt)
            if not isinstance(opened, Opened):
                await self.record(path, mark, opened)
                return opened
            try:
                outcome = await self._caller.ask(opened.order)
                match outcome:
                    case Faulted(kind="unavailable", detail=why):
                        await self.close(opened, RELEASED)
                        await outage.wait(why, time.monotonic() - opened.since, self.watch)
                    case Faulted(billed=True, usage=None) if lost < AGAIN - 1:
                        await self.close(opened, UNKNOWN)
                        lost += 1
                    case _:
                        return await self.settle(opened, path, mark, outcome)
            except asyncio.CancelledError:
                await asyncio.shield(self.close(opened, UNKNOWN))
                raise
        raise Unavailable(f"{ask.agent} could not be asked in 999 tries.")

    async def record(self, path: str, mark: bytes, result: Refused | Failed) -> None:
        """Journal what is no call's result, or no longer."""
        await self._journal.append(path, mark, result)

    async def open(
        self, path: str, ask: Ask, attempt: int, *, held: bool = False
    ) -> "Opened | Refused | Failed":
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
        if refused := await self.purse.open(call, held=held):
            return refused
        self.watch(Asking(agent=ask.agent, step=ask.brief.step, tokens=worst.tokens))
        order = Order(
            id=f"{self._journal.mission}{call.id}", mission=self._journal.mission, agent=ask.agent, brief=ask.brief,
            answer=ask.answer, max_tokens=limit, seed=ask.sample, seconds=self._patience.call,
            permit=self._permit(call, seat, limit),
        )  # fmt: skip
        return Opened(call, order, seat, time.monotonic())

    def _permit(self, call: Call, seat: Seated, limit: int) -> str:
        """Where a router stands between agents and models; empty elsewhere."""
        if self._signer is None:
            return ""
        return self._signer.permit(
            mission=self._journal.mission, call=call.id, role=call.role, model=seat.entry,
            max_tokens=limit, seconds=self._patience.call,
        )  # fmt: skip

    async def close(self, opened: "Opened", bill: Bill) -> None:
        """Close a call whose result is not journaled; nothing happens to one that is closed."""
        await self.purse.close(opened.call.id, bill)

    def outage(self) -> "Outage":
        return Outage(self._patience)

    async def settle(self, opened: "Opened", path: str, mark: bytes, outcome: Outcome) -> Asked:
        """Close the call and journal what came of it, in one transaction."""
        bill, result = judged(opened.seat, outcome)
        overrun = await self.purse.ledger.finish(opened.call.id, bill, path, mark, result)
        self.purse.freed(opened.call.id)
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


class Outage:
    """How long whoever should answer has been away by now; longer naps, up to a bound."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._nap = patience.nap
        self._waited = 0.0

    async def wait(self, why: str, seconds: float, watch: Watch) -> None:
        """Nap after a try that took `seconds`; raises `Unavailable` when patience is at its end."""
        self._waited += seconds
        if self._waited >= self._patience.endpoint:
            raise Unavailable(why)
        watch(Waiting(why=why))
        await asyncio.sleep(self._nap)
        self._waited, self._nap = self._waited + self._nap, min(10.0, self._nap * 2)


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
