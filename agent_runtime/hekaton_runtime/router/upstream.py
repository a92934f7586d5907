"""The seam to whoever answers, and the door to OpenAI-compatible servers: bytes in, bytes out."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

import httpx

from hekaton_runtime.models.endpoint import ClientSettings
from hekaton_runtime.router.asked import Asked
from hekaton_runtime.router.routes import Route

ERROR_BODY = 65_536
"""Bytes passed on of a refusal."""
_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


class Unsent(Exception):
    """The request never left: nothing can have been billed."""


class Broken(Exception):
    """The connection ended after the request was sent: it may have been billed."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What comes back, as it comes."""

    status: int
    kind: str
    """Content type."""
    retry_after: str
    chunks: AsyncIterator[bytes]
    """Raises `Broken`."""


class Upstream(Protocol):
    """One way of reaching models."""

    def send(self, route: Route, asked: Asked) -> AbstractAsyncContextManager[Answered]:
        """Ask once, without retries. Leaving the block ends the call. Raises `Unsent`, `Broken`."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


class HttpUpstream:
    """Servers that speak OpenAI's protocol: engines of the pod, and external ones."""

    def __init__(self, settings: ClientSettings | None = None) -> None:
        told = settings or ClientSettings()
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(told.first_byte_seconds, connect=told.connect_seconds),
            # A kept connection that the server has just closed would make an outcome unknown.
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
            trust_env=False,
            headers={"Accept-Encoding": "identity", "Content-Type": "application/json"},
        )

    @asynccontextmanager
    async def send(self, route: Route, asked: Asked) -> AsyncIterator[Answered]:
        headers = {"Authorization": f"Bearer {route.key}"} if route.key else {}
        request = self._client.build_request(
            "POST",
            f"{route.root}/chat/completions",
            content=asked.body(route.served),
            headers=headers,
        )
        try:
            response = await self._client.send(request, stream=True)
        except _UNSENT as fault:
            raise Unsent(f"{route.root} cannot be reached: {_words(fault, route)}") from fault
        except (httpx.HTTPError, OSError) as fault:
            raise Broken(f"{route.root} broke off: {_words(fault, route)}") from fault
        try:
            plain = response.status_code == 200
            yield Answered(
                response.status_code,
                response.headers.get("content-type", "application/json"),
                response.headers.get("retry-after", ""),
                _chunks(response, route) if plain else _refusal(response, route),
            )
        finally:
            await response.aclose()

    async def close(self) -> None:
        await self._client.aclose()


async def _chunks(response: httpx.Response, route: Route) -> AsyncIterator[bytes]:
    try:
        async for chunk in response.aiter_bytes():
            yield chunk
    except (httpx.HTTPError, OSError) as fault:
        raise Broken(f"{route.root} broke off: {_words(fault, route)}") from fault


async def _refusal(response: httpx.Response, route: Route) -> AsyncIterator[bytes]:
    """Whole, so that a server that quotes the key cannot pass it on."""
    body = bytearray()
    try:
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > ERROR_BODY:
                break
    except (httpx.HTTPError, OSError):
        body += b" (broken off)"
    clean = bytes(body[:ERROR_BODY])
    yield clean.replace(route.key.encode(), b"***") if route.key else clean


def _words(fault: Exception, route: Route) -> str:
    text = str(fault) or type(fault).__name__
    return text.replace(route.key, "***") if route.key else text
