"""The three questions that a kubelet and a Prometheus ask of every process of ours.

/healthz: does the loop respond. /readyz: can it do its work; else 503 with every reason in words.
/metrics: its own figures.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from hekaton_runtime.web.metrics import Registry
from hekaton_runtime.web.serving import serving

WhyNotReady = Callable[[], Awaitable[tuple[str, ...]]]
"""Every reason why the process cannot do its work now; empty means that it can."""
EVERYWHERE = "0.0.0.0"


def routes(why_not: WhyNotReady, registry: Registry) -> list[Route]:
    """The routes of a process's health, for an app of its own or beside others."""

    async def healthz(request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(request: Request) -> Response:
        if reasons := await why_not():
            return PlainTextResponse("".join(f"{reason}\n" for reason in reasons), 503)
        return PlainTextResponse("ready\n")

    async def metrics(request: Request) -> Response:
        text, kind = registry.text()
        return Response(text, media_type=kind)

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]


@asynccontextmanager
async def health(
    port: int | None, why_not: WhyNotReady, registry: Registry, *more: Route
) -> AsyncIterator[str]:
    """Answer them within the block; gives the base URL, or nothing at all without a port."""
    if port is None:
        yield ""
        return
    app = Starlette(routes=[*routes(why_not, registry), *more])
    async with serving(app, EVERYWHERE, port) as url:
        yield url
