"""Models of providers for a mission in one process: each at an OpenAI-compatible address of this machine.

There are no permits here, since whoever reserves is in the same process; a token that never leaves it
keeps the machine's other users out. A model has a path of its own, for two may have one name and two keys.
"""

import hmac
import secrets
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as Path

from hekaton_runtime.permits.permit import Claims, Refused
from hekaton_runtime.router.app import body_of
from hekaton_runtime.router.asked import asked
from hekaton_runtime.router.figures import Figures
from hekaton_runtime.router.relay import Call, Relay, error_body
from hekaton_runtime.router.routes import Route
from hekaton_runtime.router.upstream import Upstream
from hekaton_runtime.router.used import Used
from hekaton_runtime.web.metrics import Registry
from hekaton_runtime.web.serving import serving

ANY = 2**31 - 1
"""Tokens: the ledger has judged the request already."""


@dataclass(frozen=True, slots=True)
class Inside:
    """Where the models are."""

    url: str
    token: str = field(repr=False)

    def root(self, model: str) -> str:
        """What /chat/completions hangs below."""
        return f"{self.url}/{model}/v1"


@dataclass(frozen=True, slots=True)
class _Desk:
    routes: Mapping[str, Route]
    upstream: Upstream
    token: str = field(repr=False)
    figures: Figures

    async def models(self, request: Request) -> Response:
        try:
            served = self._route(request).served
        except Refused as fault:
            return _error(fault)
        data = [{"id": served, "object": "model", "owned_by": "hekaton"}]
        body = msgspec.json.encode({"object": "list", "data": data})
        return Response(body, media_type="application/json")

    async def chat(self, request: Request) -> Response:
        try:
            route = self._route(request)
            claims = Claims(
                mission="run", call=uuid.uuid4().hex, role="any", model=route.served,
                max_tokens=ANY, expires=int(time.time()),
            )  # fmt: skip
            call = Call(claims, asked(await body_of(request), claims), route, self.upstream)
            return Relay(call, Used(), self.figures)
        except Refused as fault:
            return _error(fault)

    def _route(self, request: Request) -> Route:
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self.token}".encode()):
            raise Refused(401, "This address is for the process that opened it alone.")
        name = request.path_params["model"]
        if name not in self.routes:
            raise Refused(404, f"There is no model {name!r}; known: {', '.join(self.routes)}.")
        return self.routes[name]


@asynccontextmanager
async def inside(routes: Mapping[str, Route], upstream: Upstream) -> AsyncIterator[Inside]:
    """Serve them within the block."""
    token = secrets.token_urlsafe(32)
    desk = _Desk(routes, upstream, token, Figures(Registry()))
    paths = [
        Path("/{model}/v1/models", desk.models),
        Path("/{model}/v1/chat/completions", desk.chat, methods=["POST"]),
    ]
    try:
        async with serving(Starlette(routes=paths)) as url:
            yield Inside(url, token)
    finally:
        await upstream.close()


def _error(fault: Refused) -> Response:
    body = error_body(fault.status, str(fault))
    return Response(body, fault.status, media_type="application/json")
