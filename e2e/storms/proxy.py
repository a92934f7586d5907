"""A proxy between an operator and an API server that can do what a network and a bad day do.

It speaks plain HTTP on a port of its own and passes the caller's token on, so that the audit log tells
what the operator did as if it had asked the server itself.
"""

import asyncio
import json
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import aiohttp
from aiohttp import web
from storms.weather import LOST, Answer, Asked, Fate, Fog, Storm, Target
from yarl import URL

OWN = {"host", "connection", "transfer-encoding", "content-length", "keep-alive"}
"""Headers of a connection, which are not passed on."""
WRITES = ("POST", "PUT", "PATCH", "DELETE")
HOST = "127.0.0.1"


class Proxy:
    """Lives in a thread of its own; what is asked of it may be asked from any other."""

    def __init__(self, server: str, authority: Path) -> None:
        self._server, self._trust = server, ssl.create_default_context(cafile=str(authority))
        self._open: dict[int, web.Request] = {}
        self._loop = asyncio.new_event_loop()
        self.port = 0
        self.asked: list[Asked] = []
        self.storm: Storm | None = None
        self.fog: Fog | None = None

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.port}"

    def cut(self) -> int:
        """End every watch that is open now, in the middle; their number."""
        return asyncio.run_coroutine_threadsafe(self._cut(), self._loop).result(10)

    def refuse(self, seconds: float) -> None:
        """Nobody listens for a while, and every connection breaks."""
        asyncio.run_coroutine_threadsafe(self._refuse(seconds), self._loop).result(seconds + 10)

    def tries(self) -> Counter[Target]:
        """How often each write was asked for; the Lease is renewed all the time."""
        writes = (each.target for each in self.asked if each.target.method in WRITES)
        return Counter(each for each in writes if "/leases" not in each.path)

    def watches(self) -> int:
        """How many watches were begun so far."""
        return sum(each.watch for each in self.asked)

    async def run(self, ready: threading.Event, stop: asyncio.Event) -> None:
        app = web.Application(client_max_size=8 * 2**20)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        await self._listen()
        connector = aiohttp.TCPConnector(ssl=self._trust, limit=0)
        async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
            self._session = session
            ready.set()
            await stop.wait()
            await self._runner.cleanup()

    async def _listen(self) -> None:
        site = web.TCPSite(self._runner, HOST, self.port, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def _cut(self) -> int:
        cut = [each for each in self._open.values() if _watches(each)]
        for each in cut:
            _abort(each)
        return len(cut)

    async def _refuse(self, seconds: float) -> None:
        for site in list(self._runner.sites):
            await site.stop()
        server = self._runner.server
        for each in server.connections if server else ():
            if each.transport is not None:
                each.transport.abort()
        await asyncio.sleep(seconds)
        await self._listen()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        target, fate = _target(request, body), None
        if request.method in WRITES and self.storm:
            fate = self.storm.strike(target)
        fog = self.fog if _watches(request) else None
        if fog and fog.left > 0:
            fog.left -= 1
            fate = fog.answer
        self.asked.append(Asked(time.monotonic(), target, _watches(request), fate))
        self._open[id(request)] = request
        try:
            if isinstance(fate, Answer):
                inside = bool(fog and fog.inside)
                return await _said(request, fate) if inside else _refusal(fate)
            return await self._passed(request, body, fate)
        finally:
            del self._open[id(request)]

    async def _passed(
        self, request: web.Request, body: bytes, fate: Fate | None
    ) -> web.StreamResponse:
        url = URL(self._server + request.raw_path, encoded=True)
        headers = {k: v for k, v in request.headers.items() if k.lower() not in OWN}
        async with self._session.request(
            request.method, url, headers=headers, data=body or None, timeout=_NEVER
        ) as answer:
            if fate == LOST:
                await answer.read()
                _abort(request)
            found = web.StreamResponse(status=answer.status)
            for name, value in answer.headers.items():
                if name.lower() not in OWN:
                    found.headers[name] = value
            with suppress(ConnectionError):  # the operator went away
                await found.prepare(request)
                async for chunk in answer.content.iter_any():
                    await found.write(chunk)
                await found.write_eof()
            return found


_NEVER = aiohttp.ClientTimeout(total=None, sock_connect=5)


def _watches(request: web.Request) -> bool:
    return request.query.get("watch") in ("true", "1")


def _target(request: web.Request, body: bytes) -> Target:
    name = json.loads(body)["metadata"].get("name", "") if request.method == "POST" else ""
    return Target(request.method, request.path, name)


def _abort(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


def _refusal(answer: Answer) -> web.Response:
    headers = {"Retry-After": str(answer.after)} if answer.after else {}
    return web.json_response(answer.status, status=answer.code, headers=headers)


async def _said(request: web.Request, answer: Answer) -> web.StreamResponse:
    found = web.StreamResponse(headers={"Content-Type": "application/json"})
    await found.prepare(request)
    await found.write(answer.event)
    await found.write_eof()
    return found


@contextmanager
def between(server: str, authority: Path) -> Iterator[Proxy]:
    """A proxy before this server, whose certificate this authority has signed."""
    proxy, ready = Proxy(server, authority), threading.Event()
    loop, stop = proxy._loop, asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(proxy.run(ready, stop),))
    thread.start()
    try:
        assert ready.wait(20), "the proxy did not start"
        yield proxy
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)
        loop.close()
