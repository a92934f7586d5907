"""Passes one request on and its answer back, and ends the call when whoever asked has gone.

An answer that broke off after the request was sent must not look like a refusal, which costs
nothing: it comes as a stream that ends in an error, so that its outcome counts as unknown.
"""

import asyncio
import time
from dataclasses import dataclass

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from hekaton_runtime.permits.permit import Claims
from hekaton_runtime.results import Usage
from hekaton_runtime.router.asked import Asked
from hekaton_runtime.router.figures import Figures
from hekaton_runtime.router.routes import Route
from hekaton_runtime.router.upstream import Answered, Broken, Unsent, Upstream
from hekaton_runtime.router.usage import Tally
from hekaton_runtime.router.used import Used

STREAM = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Call:
    """One permitted request and where it goes."""

    claims: Claims
    asked: Asked
    route: Route
    upstream: Upstream


class Relay(Response):
    """The answer, as it comes."""

    def __init__(self, call: Call, used: Used, figures: Figures) -> None:
        super().__init__()
        self._call = call
        self._used = used
        self._figures = figures
        self._started = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.monotonic()
        play = asyncio.ensure_future(self._play(send))
        gone = asyncio.ensure_future(_gone(receive))
        outcome: tuple[str, Usage | None] = ("abandoned", None)
        try:
            await asyncio.wait({play, gone}, return_when=asyncio.FIRST_COMPLETED)
            if play.done():
                outcome = play.result()
        finally:
            for task in (play, gone):
                task.cancel()
            await asyncio.gather(play, gone, return_exceptions=True)
            call, seconds = self._call, time.monotonic() - began
            self._figures.ended(call.route, call.claims, *outcome, seconds)

    async def _play(self, send: Send) -> tuple[str, Usage | None]:
        call = self._call
        try:
            async with call.upstream.send(call.route, call.asked) as answer:
                return await self._pass(answer, send)
        except Unsent as fault:
            self._used.give_back(call.claims)
            await self._start(send, 503, "application/json")
            await send({"type": "http.response.body", "body": error_body(503, str(fault))})
            return "unreachable", None
        except Broken as fault:
            if not self._started:
                await self._start(send, 200, STREAM)
            event = b"data: " + error_body(502, str(fault)) + b"\n\n"
            await send({"type": "http.response.body", "body": event})
            return "broken", None

    async def _pass(self, answer: Answered, send: Send) -> tuple[str, Usage | None]:
        tally = Tally(streamed=STREAM in answer.kind)
        fine = answer.status == 200
        if not fine:
            self._used.give_back(self._call.claims)
        await self._start(send, answer.status, answer.kind, answer.retry_after)
        async for chunk in answer.chunks:
            if fine:
                tally.feed(chunk)
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        return ("answered", tally.usage()) if fine else (f"refused {answer.status}", None)

    async def _start(self, send: Send, status: int, kind: str, retry_after: str = "") -> None:
        headers = [(b"content-type", kind.encode("latin-1", "replace"))]
        if retry_after:
            headers.append((b"retry-after", retry_after.encode("latin-1", "replace")))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        self._started = True


def error_body(status: int, said: str) -> bytes:
    """An error as OpenAI's protocol writes it."""
    kind = "server_error" if status >= 500 else "invalid_request_error"
    return msgspec.json.encode({"error": {"message": said, "type": kind, "code": status}})


async def _gone(receive: Receive) -> None:
    """Return when the client has closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass
