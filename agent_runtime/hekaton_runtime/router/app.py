"""The router of a formation pod: one OpenAI-compatible address in front of all its models.

It passes nothing on without a permit, keeps no state but which permits were used, and is the only
process of the pod that holds providers' keys.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as Path

from hekaton_runtime.permits.permit import Claims, Refused, read
from hekaton_runtime.router.asked import Asked, asked
from hekaton_runtime.router.figures import Figures
from hekaton_runtime.router.relay import Call, Relay, error_body
from hekaton_runtime.router.routes import Route
from hekaton_runtime.router.upstream import Upstream
from hekaton_runtime.router.used import Used

REQUEST_LIMIT = 32 * 1024 * 1024
"""Bytes of a request body."""
SCHEME = "Bearer "


@dataclass(frozen=True, slots=True)
class Reaches:
    """The two ways to models."""

    servers: Upstream
    providers: Upstream


@dataclass(frozen=True, slots=True)
class Desk:
    """Judges requests and hands them on."""

    routes: Mapping[str, Route]
    reaches: Reaches
    figures: Figures
    key: bytes = field(repr=False)
    clock: Callable[[], float] = time.time
    used: Used = field(default_factory=Used)

    async def models(self, request: Request) -> Response:
        """Free, and open to whoever can reach this address: names are no secret."""
        data = [{"id": name, "object": "model", "owned_by": "hekaton"} for name in self.routes]
        return _json({"object": "list", "data": data})

    async def chat(self, request: Request) -> Response:
        try:
            claims = self._claims(request)
            wanted = asked(await body_of(request), claims)
            return Relay(self._call(claims, wanted), self.used, self.figures)
        except Refused as fault:
            self.figures.refused(fault.status)
            return _error(fault.status, str(fault))

    def _claims(self, request: Request) -> Claims:
        given = request.headers.get("authorization", "")
        if not given.startswith(SCHEME):
            raise Refused(401, "The request has no permit; agents get one with each order.")
        return read(given.removeprefix(SCHEME), self.key, self.clock())

    def _call(self, claims: Claims, wanted: Asked) -> Call:
        route = self.routes.get(wanted.model)
        if route is None:
            known = ", ".join(self.routes)
            raise Refused(404, f"The formation has no model {wanted.model!r}; known: {known}.")
        if not self.used.take(claims, self.clock()):
            raise Refused(403, f"The permit of call {claims.call!r} was used already.")
        upstream = self.reaches.providers if route.api else self.reaches.servers
        return Call(claims, wanted, route, upstream)


def router_app(desk: Desk) -> Starlette:
    """The routes."""
    return Starlette(
        routes=[
            Path("/v1/models", desk.models),
            Path("/v1/chat/completions", desk.chat, methods=["POST"]),
        ]
    )


async def body_of(request: Request) -> bytes:
    """Whole; raises `Refused` where it is too long."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > REQUEST_LIMIT:
            raise Refused(413, f"The request is longer than {REQUEST_LIMIT} bytes; shorten it.")
    return bytes(body)


def _json(value: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def _error(status: int, said: str) -> Response:
    return Response(error_body(status, said), status, media_type="application/json")
