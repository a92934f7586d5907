"""Our side of the bus benchmark: missions that each ask one question after the other."""

import asyncio
import sys
import time
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path

from blocks import Asked, serve_async, text

from hekaton_runtime.brief import Brief
from hekaton_runtime.bus.caller import Caller
from hekaton_runtime.bus.messages import Answered, Order
from hekaton_runtime.cli.serving import peer_keys

NUMBERS = count()


async def asks(caller: Caller, mission: str, many: int, size: int) -> list[float]:
    brief, seconds = Brief(step="work", goal=text(size)), []
    for _ in range(many):
        order = Order(
            id=f"o{next(NUMBERS)}", mission=mission, agent="echo", brief=brief, answer="views", max_tokens=1, seed=0,
            seconds=60,
        )  # fmt: skip
        began = time.perf_counter()
        outcome = await caller.ask(order)
        seconds.append(time.perf_counter() - began)
        assert isinstance(outcome, Answered), outcome
    return seconds


async def main(address: str, keys: str) -> None:
    own = peer_keys("conductor", Path(keys) if keys else None)

    async def block(asked: Asked) -> Asked:
        async with AsyncExitStack() as stack:
            callers = [
                (
                    await stack.enter_async_context(
                        Caller.connect(address, mission=name, keys=own, wait=20)
                    ),
                    name,
                )
                for name in (f"m{next(NUMBERS)}" for _ in range(asked["missions"]))
            ]
            began = time.perf_counter()
            found = await asyncio.gather(
                *(asks(caller, name, asked["asks"], asked["bytes"]) for caller, name in callers)
            )
            return {"seconds": sum(found, []), "wall": time.perf_counter() - began}

    await serve_async(block)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
