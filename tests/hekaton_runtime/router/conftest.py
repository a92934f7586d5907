"""A router in front of a simulated model server, each on a port of its own."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from hekaton_runtime.models.simulated.book import Book
from hekaton_runtime.models.simulated.faults import Faults
from hekaton_runtime.models.simulated.server import serve
from hekaton_runtime.models.simulated.settings import SimulatedModel, SimulatedSettings
from hekaton_runtime.permits.permit import Claims, sign
from hekaton_runtime.router.app import Desk, Reaches, router_app
from hekaton_runtime.router.figures import Figures
from hekaton_runtime.router.providers import ProviderUpstream
from hekaton_runtime.router.routes import Route
from hekaton_runtime.router.upstream import HttpUpstream
from hekaton_runtime.web.metrics import Registry
from hekaton_runtime.web.serving import serving

KEY = bytes(range(32))
SECRET = "key-of-the-provider"


@dataclass(frozen=True)
class Routed:
    """A router that serves."""

    url: str
    upstream: str
    registry: Registry
    client: httpx.AsyncClient

    def permit(self, **changes: Any) -> str:
        claims: dict[str, Any] = {
            "mission": "m", "call": "/1#1.1", "role": "sapper", "model": "big", "max_tokens": 500,
            "expires": int(time.time()) + 60,
        }  # fmt: skip
        return sign(Claims(**claims | changes), KEY)

    async def ask(self, permit: str = "", **changes: Any) -> httpx.Response:
        body = {
            "model": "big", "messages": [{"role": "user", "content": "Hello."}], "max_tokens": 500,
            "stream": True, "stream_options": {"include_usage": True},
        } | changes  # fmt: skip
        headers = {"Authorization": f"Bearer {permit}"} if permit else {}
        return await self.client.post(f"{self.url}/v1/chat/completions", json=body, headers=headers)

    async def billed(self) -> list[dict[str, Any]]:
        calls: list[dict[str, Any]] = (await self.client.get(f"{self.upstream}/billing")).json()[
            "calls"
        ]
        return calls

    def figures(self) -> str:
        return self.registry.text()[0].decode()


Opener = Callable[..., Any]


@pytest.fixture
def open_router() -> Opener:
    @asynccontextmanager
    async def opened(
        faults: Faults | None = None, seconds: float = 0.0, root: str = "", provider: Any = None
    ) -> AsyncIterator[Routed]:
        model = SimulatedModel("simulated/served", 1.0, seconds, 0.0)
        settings = SimulatedSettings((model,), Book(), key=SECRET, faults=faults or Faults())
        async with AsyncExitStack() as stack:
            upstream = await stack.enter_async_context(serve(settings))
            routes = {
                "big": Route(
                    "big", "simulated/served", root or f"{upstream}/v1", False, SECRET, 1_000_000, 2_000_000
                ),
                "paid": Route("paid", "gemini/some", "", True, SECRET),
            }  # fmt: skip
            registry = Registry()
            reaches = Reaches(HttpUpstream(), ProviderUpstream(provider or _nobody))
            stack.push_async_callback(reaches.servers.close)
            desk = Desk(routes, reaches, Figures(registry), KEY)
            url = await stack.enter_async_context(serving(router_app(desk)))
            client = await stack.enter_async_context(httpx.AsyncClient(trust_env=False, timeout=20))
            yield Routed(url, upstream, registry, client)

    return opened


def _nobody() -> Any:
    raise AssertionError("no provider is asked here")


@pytest.fixture
async def router(open_router: Opener) -> AsyncIterator[Routed]:
    async with open_router() as opened:
        yield opened
