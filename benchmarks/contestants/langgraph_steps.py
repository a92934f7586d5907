"""LangGraph's step: a graph that loops through one node, with its Postgres checkpointer.

`sync` durability writes a step's checkpoint before the next step begins, which is what we promise;
`async` (its default) writes it while the next one runs. The state is replaced at each step and not
appended to, so its checkpoints do not grow: the kindest case.
"""

import asyncio
import sys
import time
from itertools import count
from typing import Any, TypedDict

from blocks import Asked, serve_async, text
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.graph import END, START, StateGraph


class State(TypedDict):
    left: int
    body: str


async def main(dsn: str, durability: Any) -> None:
    stamps: list[float] = []
    body, threads = "", count()

    async def step(state: State) -> dict[str, Any]:
        stamps.append(time.perf_counter())
        return {"left": state["left"] - 1, "body": f"{state['left']:08d}{body}"}

    graph: Any = StateGraph(State)
    graph.add_node("step", step)
    graph.add_edge(START, "step")
    graph.add_conditional_edges("step", lambda state: "step" if state["left"] > 0 else END)
    async with AsyncPostgresSaver.from_conn_string(dsn) as saver:
        await saver.setup()
        app = graph.compile(checkpointer=saver)

        async def block(asked: Asked) -> Asked:
            nonlocal body
            body = text(asked["bytes"] - 8)
            stamps.clear()
            config = {"configurable": {"thread_id": str(next(threads))}, "recursion_limit": 10**6}
            first = {"left": asked["steps"], "body": ""}
            await app.ainvoke(first, config, durability=durability)
            stamps.append(time.perf_counter())
            return {"seconds": [b - a for a, b in zip(stamps, stamps[1:], strict=False)]}

        await serve_async(block)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
