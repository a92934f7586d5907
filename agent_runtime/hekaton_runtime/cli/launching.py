"""`hekaton engines`: every local model server of a formation, in one container."""

import asyncio
import os
from dataclasses import dataclass

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hekaton_api.vram.catalog import shipped
from hekaton_api.vram.plan import Plan, plan
from hekaton_runtime.cli.documents import formation_named
from hekaton_runtime.cli.planning import given_configs
from hekaton_runtime.cli.serving import announce_health, stopping
from hekaton_runtime.engines.kinds import kinds
from hekaton_runtime.engines.launcher import Launcher, chosen, works
from hekaton_runtime.web.health import health
from hekaton_runtime.web.metrics import Registry


@dataclass(frozen=True, slots=True)
class Launching:
    """The command line of `engines`."""

    formation: str
    port_base: int
    health_port: int | None
    model: str = ""
    """The only one to be served here; empty: all."""


def launch(wanted: Launching) -> int:
    """Until SIGTERM or Ctrl-C; raises `BadInput` for a formation that does not fit."""
    formation = formation_named(wanted.formation)
    found = plan(formation, shipped(given_configs(formation, [])))
    return asyncio.run(_launch(wanted, found))


async def _launch(wanted: Launching, found: Plan) -> int:
    all_works = works(found, kinds(os.environ), wanted.port_base, os.environ)
    launcher = Launcher(*chosen(all_works, wanted.model))
    registry = Registry()
    registry.gauge(
        "hekaton_engine_ready", "Whether an engine is healthy.", ("model", "engine"),
        lambda: {(one.model, one.engine): float(one.phase == "ready") for one in launcher.states},
    )  # fmt: skip
    registry.gauge(
        "hekaton_engine_restarts", "Starts after a crash.", ("model", "engine"),
        lambda: {(one.model, one.engine): float(one.restarts) for one in launcher.states},
    )  # fmt: skip

    async def engines(request: Request) -> Response:
        return Response(msgspec.json.encode(launcher.states), media_type="application/json")

    async def metrics(request: Request) -> Response:
        got = await launcher.metrics(request.path_params["model"])
        return Response(got.body, got.status or 503, media_type="text/plain")

    more = (Route("/engines", engines), Route("/engines/{model}/metrics", metrics))
    stop = stopping()
    async with health(wanted.health_port, launcher.why_not, registry, *more) as url:
        served = ", ".join(f"{one.model} at port {one.port}" for one in launcher.states)
        print(f"engines: {served or 'none'}", flush=True)
        announce_health(url)
        await launcher.run(stop)
    return 0
