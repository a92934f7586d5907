"""Our step, as the conductor does it: reserve and note the intent, then settle and journal the result.

Both are commits of their own, since the call to the model lies between them. `journal` is the step of
an effect that is no call: the result alone.
"""

import asyncio
import sys
import time
from itertools import count

from blocks import Asked, serve_async, text

from hekaton_runtime.conductor.lease import owned
from hekaton_runtime.journal.postgres import Journal
from hekaton_runtime.ledger.accounts import Bill, Call, Ledger
from hekaton_runtime.ledger.money import Amount
from hekaton_runtime.results import Answer, Usage
from hekaton_runtime.store.postgres import connect

MISSION = "steps"
MARK = b"0123456789abcdef"
ROW = (
    "insert into hekaton.mission (id, name, mode, document, formation)"
    " values ($1, $1, 'swarm', '{}', '{}')"
)
BILL = Bill("settled", Usage(prompt_tokens=700, completion_tokens=200), 400)


async def call(ledger: Ledger, number: int, answer: Answer) -> None:
    path = f"/build-task-1/{number}"
    opened = await ledger.open(
        Call(
            f"{path}#1.1",
            path,
            ("wave-1", "sapper-1"),
            "sapper-1",
            "sapper",
            "m",
            Amount(4000, 2000),
        )
    )
    assert opened is None
    await ledger.finish(f"{path}#1.1", BILL, path, MARK, answer)


async def main(dsn: str, kind: str) -> None:
    numbers = count()
    async with connect(dsn) as database:
        await database.fetch(ROW, MISSION)
        async with owned(database, MISSION, 3600.0, patience=0.0) as token:
            journal, ledger = Journal(database, MISSION, token), Ledger(database, MISSION, token)
            await ledger.cap("", Amount(10**15, 10**15))

            async def block(asked: Asked) -> Asked:
                seconds = []
                body = text(asked["bytes"])
                answer = Answer(text=body, agent="s", model="m", tokens=900, micros=400)
                for _ in range(asked["steps"]):
                    number = next(numbers)
                    began = time.perf_counter()
                    if kind == "journal":
                        await journal.append(f"/build-task-1/{number}", MARK, answer)
                    else:
                        await call(ledger, number, answer)
                    seconds.append(time.perf_counter() - began)
                return {"seconds": seconds}

            await serve_async(block)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
