"""`hekaton router`: the one address in a formation pod that all its models are asked at."""

import asyncio
import os
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from hekaton_runtime.cli.documents import formation_named
from hekaton_runtime.cli.serving import announce_health, stopping
from hekaton_runtime.permits.keys import load_key
from hekaton_runtime.router.app import Desk, Reaches, router_app
from hekaton_runtime.router.figures import Figures
from hekaton_runtime.router.providers import ProviderUpstream
from hekaton_runtime.router.reach import Reach
from hekaton_runtime.router.routes import routes
from hekaton_runtime.router.upstream import HttpUpstream
from hekaton_runtime.web.health import health
from hekaton_runtime.web.metrics import Registry
from hekaton_runtime.web.serving import serving, split_address


@dataclass(frozen=True, slots=True)
class Routing:
    """The command line of `router`."""

    formation: str
    listen: str
    permits: Path
    port_base: int
    health_port: int | None


def serve_router(wanted: Routing) -> int:
    """Until SIGTERM or Ctrl-C; raises `BadInput`."""
    return asyncio.run(_router(wanted))


async def _router(wanted: Routing) -> int:
    host, port = split_address(wanted.listen)
    known = routes(formation_named(wanted.formation).spec, os.environ, wanted.port_base)
    registry = Registry()
    reaches = Reaches(HttpUpstream(), ProviderUpstream())
    desk = Desk(known, reaches, Figures(registry), load_key(wanted.permits))
    async with AsyncExitStack() as stack:
        for upstream in (reaches.servers, reaches.providers):
            stack.push_async_callback(upstream.close)
        url = await stack.enter_async_context(serving(router_app(desk), host, port))
        reach = Reach(known.values())
        health_url = await stack.enter_async_context(
            health(wanted.health_port, reach.why_not, registry)
        )
        print(f"router: {url}/v1 for {', '.join(known)}", flush=True)
        announce_health(health_url)
        await stopping().wait()
    return 0
