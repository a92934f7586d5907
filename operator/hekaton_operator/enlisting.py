"""Which roles of tenants are known to be right: each is asked for once a process, a refusal not at once again.

A hundred missions of a namespace ask at the same instant, and a server that does not answer costs each
who asks ten seconds.
"""

import asyncio
from collections.abc import Awaitable, Callable

from hekaton_operator.errors import Away, Refused
from hekaton_operator.tenancy import Tenant

PAUSE = 10.0
"""Seconds for which an answer that was no good stands."""


class Enlisting:
    """`ask` makes sure of a role in the database, or raises `Refused` or `Away`. `clock` counts seconds."""

    def __init__(
        self, ask: Callable[[Tenant], Awaitable[None]], clock: Callable[[], float]
    ) -> None:
        self._ask, self._clock = ask, clock
        self._known: set[Tenant] = set()
        self._refused: dict[Tenant, tuple[float, Refused]] = {}
        self._away: tuple[float, str] = (0.0, "")
        self._lock = asyncio.Lock()

    async def enlist(self, tenant: Tenant) -> None:
        """Raises `Refused` or `Away`, now or as it was a moment ago."""
        if tenant in self._known:
            return
        async with self._lock:
            if tenant in self._known:
                return
            self._still(tenant)
            try:
                await self._ask(tenant)
            except Refused as fault:
                self._refused[tenant] = self._clock() + PAUSE, fault
                raise
            except Away as fault:
                self._away = self._clock() + PAUSE, str(fault)
                raise
            self._known.add(tenant)
            self._refused.pop(tenant, None)

    def _still(self, tenant: Tenant) -> None:
        now = self._clock()
        until, text = self._away
        if now < until:
            raise Away(text)
        if tenant in self._refused:
            until, fault = self._refused[tenant]
            if now < until:
                raise Refused(fault.reason, fault.message)
