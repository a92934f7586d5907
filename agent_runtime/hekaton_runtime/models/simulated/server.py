"""Runs the simulator inside the running loop, or for good."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable

from starlette.types import ASGIApp

from hekaton_runtime.models.simulated.app import simulated_app
from hekaton_runtime.models.simulated.settings import SimulatedSettings
from hekaton_runtime.web.serving import serving


@contextlib.asynccontextmanager
async def serve(
    app_or_settings: ASGIApp | SimulatedSettings, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[str]:
    """Serve within the block and give the base URL, without a path.

    Raises `BadInput` if the address cannot be had.
    """
    settings = app_or_settings
    app = simulated_app(settings) if isinstance(settings, SimulatedSettings) else settings
    async with serving(app, host, port) as url:
        yield url


def say(line: str) -> None:
    """Print at once: whoever waits for the line may read it from a pipe."""
    print(line, flush=True)


async def run_forever(
    settings: SimulatedSettings,
    host: str = "127.0.0.1",
    port: int = 0,
    announce: Callable[[str], None] = say,
) -> None:
    """Serve until SIGINT or SIGTERM; `announce` gets one line with the URL once it listens."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    signals = (signal.SIGINT, signal.SIGTERM)
    for number in signals:
        loop.add_signal_handler(number, stop.set)
    try:
        async with serve(settings, host, port) as url:
            announce(f"SIMULATED models at {url}/v1")
            await stop.wait()
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
