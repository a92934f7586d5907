"""Whoever may spend signs here: a permit for each call that the ledger holds a reservation for."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from hekaton_runtime.permits.permit import Claims, sign

SKEW = 60.0
"""Seconds that two machines' clocks may be apart."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Knows where the key is."""

    key: Callable[[], bytes] = field(repr=False)
    """The key as it is now: it may be renewed while a mission runs."""

    def permit(
        self, *, mission: str, call: str, role: str, model: str, max_tokens: int, seconds: float
    ) -> str:
        """A permit for one call, good as long as the call may take."""
        claims = Claims(
            mission=mission,
            call=call,
            role=role,
            model=model,
            max_tokens=max_tokens,
            expires=int(time.time() + seconds + SKEW),
        )
        return sign(claims, self.key())
