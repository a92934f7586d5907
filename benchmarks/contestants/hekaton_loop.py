"""Our loop: all that `hekaton run` does for a model call, in one process as `hekaton run` has it.

Prompt, reservation and intent, bus, agent, HTTP client, check of the answer, settlement and journal.
A mission works on twenty questions at once; more tasks are more missions.
"""

import asyncio
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from itertools import count

from blocks import Asked, serve_async
from loops import PROMPT, timed

from hekaton_api.formation import FormationSpec
from hekaton_runtime.brief import Brief
from hekaton_runtime.bus.caller import Caller
from hekaton_runtime.conductor.asking import Asker, Patience, Purse
from hekaton_runtime.conductor.assigning import seats
from hekaton_runtime.conductor.lease import owned
from hekaton_runtime.conductor.naming import Endpoint
from hekaton_runtime.conductor.staff import staffed
from hekaton_runtime.effects import Ask
from hekaton_runtime.journal.entries import fingerprint
from hekaton_runtime.journal.postgres import Journal
from hekaton_runtime.ledger.accounts import Ledger
from hekaton_runtime.ledger.money import Amount
from hekaton_runtime.results import Answer
from hekaton_runtime.store.postgres import Database, connect

SPEC = {
    "models": [
        {"name": "m", "engine": "external", "model": "instant", "endpoint": "http://127.0.0.1:1/v1",
         "contextLength": 32768, "price": {"inputPerMTok": 1, "outputPerMTok": 2}},
    ],
    "roles": [
        {"name": "reasoner", "role": "reasoner", "tier": "large", "model": "m"},
        {"name": "sapper", "role": "sapper", "tier": "large", "model": "m"},
    ],
}  # fmt: skip
ROW = "insert into hekaton.mission (id, name, mode, document, formation) values ($1, $1, 'swarm', '{}', '{}')"
TOGETHER = 20
"""Tasks of one mission."""
ASK = Ask(
    agent="reasoner",
    brief=Brief(step="vote", goal=PROMPT),
    answer="ballot",
    account=("debate", "reasoner"),
)


class Desk:
    """A mission that questions are asked for."""

    def __init__(self, asker: Asker) -> None:
        self._asker = asker
        self._numbers = count()

    async def call(self) -> None:
        answer = await self._asker.ask(f"/debate/{next(self._numbers)}", fingerprint(ASK), ASK)
        assert isinstance(answer, Answer), answer


async def desk(
    stack: AsyncExitStack, database: Database, bus: str, names: Mapping[str, str], name: str
) -> Desk:
    await database.fetch(ROW, name)
    token = await stack.enter_async_context(owned(database, name, 3600.0, patience=0.0))
    ledger = Ledger(database, name, token)
    await ledger.cap("", Amount(10**12, 10**12))
    caller = await stack.enter_async_context(Caller.connect(bus, mission=name, wait=20))
    seated = seats(FormationSpec.model_validate(SPEC), names)
    return Desk(
        Asker(
            Journal(database, name, token),
            seated,
            caller,
            Purse(ledger),
            lambda event: None,
            Patience(),
        )
    )


async def main(url: str, dsn: str) -> None:
    spec = FormationSpec.model_validate(SPEC)
    async with connect(dsn) as database, AsyncExitStack() as stack:
        models = {"m": Endpoint(url, "instant")}
        bus = await stack.enter_async_context(staffed(spec, models, capacity=128))
        names = {name: one.model for name, one in models.items()}
        desks: list[Desk] = []

        async def block(asked: Asked) -> Asked:
            while len(desks) * TOGETHER < asked["at_once"]:
                desks.append(await desk(stack, database, bus, names, f"m{len(desks)}"))
            return await timed(asked, lambda number: desks[number // TOGETHER].call())

        await serve_async(block)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
