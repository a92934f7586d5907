"""The loop that all contestants of the overhead benchmark run: tasks at once, calls one after the other."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from blocks import Asked

PROMPT = "Which of these proposals would you choose? A: do it. B: leave it. Answer as JSON. " * 6
"""About 500 bytes, as a short brief."""


async def timed(asked: Asked, call: Callable[[int], Awaitable[None]]) -> Asked:
    """`call` gets the number of its task."""
    seconds: list[float] = []

    async def task(number: int) -> None:
        for _ in range(asked["calls"]):
            began = time.perf_counter()
            await call(number)
            seconds.append(time.perf_counter() - began)

    began, used = time.perf_counter(), time.process_time()
    await asyncio.gather(*(task(number) for number in range(asked["at_once"])))
    return {
        "seconds": seconds,
        "wall": time.perf_counter() - began,
        "cpu": time.process_time() - used,
    }
