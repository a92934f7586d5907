"""Stands before the app: who asks, how often and how much; nothing behind it sees a request that may not pass.

Without keys only this very machine is served, by address and by the name it was called: a web page
elsewhere whose name was pointed at 127.0.0.1 is not.
"""

import asyncio
import ipaddress
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hekaton_runtime.service.desk import LOCAL, Client
from hekaton_runtime.service.figures import Figures
from hekaton_runtime.service.keys import Keys
from hekaton_runtime.service.rates import Rates

OPEN = frozenset({"/healthz", "/readyz", "/metrics", "/openapi.json"})
"""They tell nothing of anybody's missions."""
MOST = 1 << 20
"""Bytes of a request's body."""
SLOW = 30.0
"""Seconds that a body may take to arrive."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request does not pass."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...] = ()

    def response(self) -> JSONResponse:
        return JSONResponse({"reasons": [self.reason]}, self.status, dict(self.headers))


class Gate:
    """ASGI middleware."""

    def __init__(
        self, app: ASGIApp, keys: Keys, rates: Rates, figures: Figures,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._app = app
        self._keys = keys
        self._rates = rates
        self._figures = figures
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._figures.answered(message["status"])
            await send(message)

        if scope["path"] not in OPEN:
            passed = await self._passed(scope, receive)
            if isinstance(passed, Refusal):
                await passed.response()(scope, receive, counted)
                return
            receive = _again(passed, receive)
        await self._app(scope, receive, counted)

    async def _passed(self, scope: Scope, receive: Receive) -> bytes | Refusal:
        """The whole body of a request that may pass; its client is then in the scope's state."""
        headers = Headers(scope=scope)
        client = self._client(scope, headers)
        if isinstance(client, Refusal):
            return client
        if seconds := self._rates.wait(client, self._clock()):
            self._figures.submitted("limited")
            said = (
                f"Too many requests with the key {client!r}. Come back in {math.ceil(seconds)} s."
            )
            return Refusal(429, said, (("Retry-After", str(math.ceil(seconds))),))
        scope.setdefault("state", {})["client"] = client
        return await _body(headers, receive)

    def _client(self, scope: Scope, headers: Headers) -> Client | Refusal:
        if not self._keys:
            here = _is_here((scope.get("client") or ("",))[0]) and _is_here(_name(headers))
            said = "Without HEKATON_API_KEYS only this machine is served, as localhost. Set keys to serve others."
            return LOCAL if here else Refusal(403, said)
        if "authorization" in headers:  # then it counts, whatever else was sent
            scheme, _, bearer = headers["authorization"].partition(" ")
            given = bearer.strip() if scheme.lower() == "bearer" else ""
        else:
            given = headers.get("x-api-key", "")
        said = "No valid API key. Send it as `Authorization: Bearer KEY` or `X-API-Key: KEY`."
        client = self._keys.client(given)
        return client or Refusal(401, said, (("WWW-Authenticate", "Bearer"),))


def _name(headers: Headers) -> str:
    """The host that the client believes to speak to, without its port."""
    host = headers.get("host", "")
    return host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]


def _is_here(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def _body(headers: Headers, receive: Receive) -> bytes | Refusal:
    large = Refusal(413, f"The body has more than {MOST} bytes. Send less.")
    length = headers.get("content-length", "0")
    if length.isdecimal() and int(length) > MOST:
        return large
    body = bytearray()
    try:
        async with asyncio.timeout(SLOW):
            while True:
                message = await receive()
                body += message.get("body", b"")
                if len(body) > MOST:
                    return large
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        return Refusal(408, f"The body did not arrive within {SLOW:g} s. Send it again.")


def _again(body: bytes, receive: Receive) -> Receive:
    """Hand the body on as one message; what comes after it is the client's leaving."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def handed() -> Message:
        return messages.pop() if messages else await receive()

    return handed
