"""An agent of ours without a model: it answers every order at once, with as many bytes as it is told."""

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path

from blocks import text

from hekaton_runtime.bus.messages import Answered, Order, Outcome
from hekaton_runtime.bus.peer import serve_agent
from hekaton_runtime.cli.serving import peer_keys, stopping
from hekaton_runtime.results import Usage


@dataclass(frozen=True, slots=True)
class Echo:
    answered: Answered

    async def answer(self, order: Order) -> Outcome:
        return self.answered


async def main(address: str, keys: str, size: str) -> None:
    usage = Usage(prompt_tokens=1, completion_tokens=1)
    said = Answered(text=text(int(size)), usage=usage, model="echo", seconds=0.0, instance="")
    await serve_agent(
        address, agent="echo", instance="echo-1", capacity=128, answerer=Echo(said),
        keys=peer_keys("echo", Path(keys) if keys else None), stop=stopping(),
    )  # fmt: skip


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
