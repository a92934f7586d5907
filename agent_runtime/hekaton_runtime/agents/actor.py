"""An agent: answers orders by asking its model once, and says truly what each call may have cost.

It keeps no mission state, so a lost agent costs one repeated question. It never mends an answer:
what is not the JSON that was asked for is a fault, and the strategy decides about another try.
"""

import asyncio
import logging
from dataclasses import dataclass

from hekaton_runtime.agents.profile import Profile
from hekaton_runtime.agents.prompt import ContextTooSmall, compose
from hekaton_runtime.answers import TYPES, Unfit, parse, schema
from hekaton_runtime.bus.messages import Answered, Faulted, Order, Outcome
from hekaton_runtime.models.protocol import (
    AnswerSchema,
    BadRequest,
    Billed,
    Completion,
    CompletionRequest,
    Model,
    NotBilled,
    OutcomeUnknown,
)
from hekaton_runtime.results import FailureKind, Usage

log = logging.getLogger(__name__)

LONGEST_DETAIL = 2000
"""Characters of a fault's text that travel over the bus; a model can put anything into it."""
CUTS_LOGGED = 5
"""The most important ones; a large workspace loses its paths by the thousand."""


@dataclass(frozen=True, slots=True)
class Agent:
    """Answers a role entry's orders with one model."""

    profile: Profile
    model: Model
    entry: str = ""
    """The model's name in the formation, which is what a router knows it by."""

    async def answer(self, order: Order) -> Outcome:
        """Ask the model within the order's time. Cancelling cancels the call and is passed on."""
        try:
            request = self.request(order)
        except ContextTooSmall as fault:
            return faulted("rejected", str(fault), billed=False)
        try:
            async with asyncio.timeout(order.seconds):
                completion = await self.model.complete(request)
        except TimeoutError:
            late = f"{order.agent!r} had no answer from {request.model!r} in {order.seconds:g} s."
            return faulted("unknown", late, billed=True)
        except Billed as fault:
            return faulted(fault.kind, str(fault), billed=True, usage=fault.usage)
        except BadRequest as fault:
            return faulted("rejected", str(fault), billed=False)
        except NotBilled as fault:
            return faulted("unavailable", str(fault), billed=False)
        except OutcomeUnknown as fault:
            return faulted("unknown", str(fault), billed=True)
        return self.checked(order, completion)

    def request(self, order: Order) -> CompletionRequest:
        """Write the request that the order amounts to; raises `ContextTooSmall`.

        The prompt depends on the order's own limit, since the conductor reserved for that prompt.
        """
        prompt = compose(self.profile, order.brief, order.answer, order.max_tokens)
        if prompt.cuts:
            worst = "; ".join(map(str, prompt.cuts[: -CUTS_LOGGED - 1 : -1]))
            log.warning("order %s: %d cuts to fit: %s", order.id, len(prompt.cuts), worst)
        return CompletionRequest(
            model=self.entry if order.permit and self.entry else self.profile.model,
            messages=prompt.messages,
            max_tokens=min(order.max_tokens, self.profile.max_tokens),
            temperature=self.profile.temperature,
            seed=order.seed,
            answer=AnswerSchema(name=order.answer, schema=schema(order.answer)),
            key=order.permit,
        )

    def checked(self, order: Order, completion: Completion) -> Outcome:
        """Pass the text on if it is exactly the JSON that was asked for.

        The broker, which knows the agent's registration, writes `instance`.
        """
        try:
            parse(completion.text, TYPES[order.answer])
        except Unfit as fault:
            return faulted("invalid", str(fault), billed=True, usage=completion.usage)
        return Answered(
            text=completion.text,
            usage=completion.usage,
            model=completion.model,
            seconds=completion.seconds,
            instance="",
        )


def faulted(kind: FailureKind, detail: str, *, billed: bool, usage: Usage | None = None) -> Faulted:
    return Faulted(kind=kind, detail=detail[:LONGEST_DETAIL], usage=usage, billed=billed)
