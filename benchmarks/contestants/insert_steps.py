"""The floor: one INSERT and its commit, by asyncpg over one connection, a prepared statement."""

import asyncio
import sys
import time

import asyncpg
from blocks import Asked, serve_async, text


async def main(dsn: str) -> None:
    link = await asyncpg.connect(dsn)
    await link.execute(
        "create table step (id bigint generated always as identity primary key, body bytea)"
    )
    insert = await link.prepare("insert into step (body) values ($1)")

    async def block(asked: Asked) -> Asked:
        body, seconds = text(asked["bytes"]).encode(), []
        for _ in range(asked["steps"]):
            began = time.perf_counter()
            await insert.fetch(body)
            seconds.append(time.perf_counter() - began)
        return {"seconds": seconds}

    await serve_async(block)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
