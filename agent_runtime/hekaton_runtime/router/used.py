"""Which permits were used: each is good for one answer, so that nobody spends one twice. Pure.

A router that starts again forgets; until the permits of before expire, its endpoints could be asked
once more with them. The ledger's bill stays right, since an agent reports each answer once.
"""

from hekaton_runtime.permits.permit import Claims

SWEEP = 256
"""Calls between two looks for permits that have expired."""


class Used:
    """Remembers calls until their permits expire."""

    def __init__(self) -> None:
        self._until: dict[tuple[str, str], int] = {}
        self._calls = 0

    def take(self, claims: Claims, now: float) -> bool:
        """Use a permit; False when it was used already."""
        self._calls += 1
        if self._calls % SWEEP == 0:
            self._until = {call: until for call, until in self._until.items() if until > now}
        call = (claims.mission, claims.call)
        if call in self._until:
            return False
        self._until[call] = claims.expires
        return True

    def give_back(self, claims: Claims) -> None:
        """It bought nothing: the endpoint refused, or could not be reached."""
        self._until.pop((claims.mission, claims.call), None)
