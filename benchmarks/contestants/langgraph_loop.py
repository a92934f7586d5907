"""LangGraph's loop: a graph whose one node asks the model by OpenAI's client, with its Postgres checkpointer.

`sync` durability, since what we promise is on the disk too; eight connections, as ours has.
"""

import asyncio
import json
import sys
from itertools import count
from typing import Any, TypedDict

from blocks import Asked, serve_async
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.graph import END, START, StateGraph
from loops import PROMPT, timed
from openai import AsyncOpenAI
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool


class State(TypedDict):
    prompt: str
    choice: str


async def main(url: str, dsn: str) -> None:
    client, threads = AsyncOpenAI(base_url=url, api_key="none"), count()

    async def ask(state: State) -> dict[str, Any]:
        said = await client.chat.completions.create(
            model="instant", max_tokens=100, messages=[{"role": "user", "content": state["prompt"]}]
        )
        return {"choice": json.loads(said.choices[0].message.content or "")["choice"]}

    graph: Any = StateGraph(State)
    graph.add_node("ask", ask)
    graph.add_edge(START, "ask")
    graph.add_edge("ask", END)
    kept: Any = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
    async with AsyncConnectionPool(dsn, min_size=8, max_size=8, kwargs=kept, open=False) as pool:
        saver = AsyncPostgresSaver(pool)
        await saver.setup()
        app = graph.compile(checkpointer=saver)

        async def call(number: int) -> None:
            config = {"configurable": {"thread_id": f"{number}-{next(threads)}"}}
            found = await app.ainvoke({"prompt": PROMPT, "choice": ""}, config, durability="sync")
            assert found["choice"] == "A"

        async def block(asked: Asked) -> Asked:
            return await timed(asked, call)

        await serve_async(block)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
