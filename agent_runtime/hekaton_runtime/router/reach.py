"""Can the models of a formation be reached: asked for free, and not at every probe."""

import asyncio
import time
from collections.abc import Iterable

from hekaton_runtime.models.endpoint import ClientSettings
from hekaton_runtime.models.openai import OpenAIModel
from hekaton_runtime.models.protocol import ModelError
from hekaton_runtime.router.routes import Route

FRESH = 10.0
"""Seconds for which a good answer is believed; a bad one half a probe's period."""
STALE = 2.0
SHORT = ClientSettings(connect_seconds=2.0, first_byte_seconds=4.0, total_seconds=5.0, attempts=1)


class Reach:
    """Looks at every server; a provider behind LiteLLM is never called for it."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = tuple(route for route in routes if not route.api)
        self._said: dict[str, tuple[float, str]] = {}
        self._looking = asyncio.Lock()

    async def why_not(self) -> tuple[str, ...]:
        """Every model that cannot be reached now, and why."""
        async with self._looking:
            said = await asyncio.gather(*(self._look(route) for route in self._routes))
        return tuple(why for why in said if why)

    async def _look(self, route: Route) -> str:
        until, why = self._said.get(route.name, (0.0, ""))
        if time.monotonic() >= until:
            why = await _why_not(route)
            self._said[route.name] = (time.monotonic() + (STALE if why else FRESH), why)
        return why


async def _why_not(route: Route) -> str:
    client = OpenAIModel(route.root, route.key or None, SHORT)
    try:
        offered = await client.list_models()
    except ModelError as fault:
        return f"model {route.name!r}: {fault}"
    finally:
        await client.close()
    if offered and route.served not in offered:
        return (
            f"model {route.name!r}: {route.root} has no {route.served!r}. It offers:"
            f" {', '.join(offered[:10])}."
        )
    return ""
