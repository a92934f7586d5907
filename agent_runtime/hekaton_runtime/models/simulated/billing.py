"""What the simulated server charged for, call by call, in the order in which the calls ended."""

from typing import Literal

import msgspec

Ending = Literal["stop", "length", "disconnected", "fault"]


class BilledCall(msgspec.Struct, frozen=True, kw_only=True):
    """One charged call. A refusal (429, 500, 400, ...) is not here."""

    request_id: str
    model: str
    prompt_tokens: int
    completion_tokens: int
    ending: Ending


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    calls: int
    prompt_tokens: int
    completion_tokens: int


class Bill(msgspec.Struct, frozen=True, kw_only=True):
    """What GET /billing gives."""

    calls: tuple[BilledCall, ...]
    totals: Totals
    simulated: str = "SIMULATED"


class Billing:
    """Keeps the calls; one per server, so that nothing outlives it."""

    def __init__(self) -> None:
        self._calls: list[BilledCall] = []

    def add(self, call: BilledCall) -> None:
        self._calls.append(call)

    def bill(self) -> Bill:
        """Sum up."""
        calls = tuple(self._calls)
        totals = Totals(
            calls=len(calls),
            prompt_tokens=sum(call.prompt_tokens for call in calls),
            completion_tokens=sum(call.completion_tokens for call in calls),
        )
        return Bill(calls=calls, totals=totals)
