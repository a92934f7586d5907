"""Run several endless jobs until the first ends: how broker, caller and agent hold their loops."""

import asyncio
from collections.abc import Coroutine


async def race(*jobs: Coroutine[None, None, None]) -> None:
    """Run all; when the first ends, cancel the others, wait for them and raise what failed."""
    tasks = [asyncio.ensure_future(job) for job in jobs]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    for fault in ended:
        if isinstance(fault, BaseException) and not isinstance(fault, asyncio.CancelledError):
            raise fault
