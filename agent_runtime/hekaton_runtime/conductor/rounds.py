"""Perform a debate round: every question reserved on its own, all sent at once, each settled as it comes in."""

import asyncio

import msgspec

from hekaton_runtime.bus.caller import Caller
from hekaton_runtime.bus.messages import Outcome
from hekaton_runtime.bus.transcript import GENESIS
from hekaton_runtime.conductor.asking import Asker, Opened
from hekaton_runtime.conductor.engine import Known
from hekaton_runtime.effects import Ask, Round
from hekaton_runtime.journal.entries import fingerprint
from hekaton_runtime.ledger.accounts import UNKNOWN
from hekaton_runtime.results import Answer, Asked, Failed, HeardAll, Refused, Stopped


class Rounder:
    """Answers that an earlier conductor journaled are not asked for again."""

    def __init__(self, asker: Asker, caller: Caller, known: Known) -> None:
        self._asker = asker
        self._caller = caller
        self._known = known

    async def perform(self, path: str, effect: Round) -> HeardAll:
        results: dict[int, Asked] = {}
        opened: dict[str, tuple[int, Opened]] = {}
        try:
            for index, ask in enumerate(effect.asks):
                await self._open(f"{path}/{index}", index, ask, results, opened)
            quorate, head, transcript = await self._hold(path, effect, results, opened)
        except asyncio.CancelledError:
            await asyncio.shield(self._abandon(opened))
            raise
        answers = tuple(results[index] for index in range(len(effect.asks)))
        return HeardAll(answers=answers, quorate=quorate, head=head, transcript=transcript)

    async def _open(
        self, path: str, index: int, ask: Ask, results: dict[int, Asked], opened: dict[str, tuple[int, Opened]]
    ) -> None:  # fmt: skip
        known = self._known.find(path, fingerprint(ask), ask)
        if isinstance(known, Answer | Refused | Failed | Stopped):
            results[index] = known
            return
        one = await self._asker.open(path, ask, 1)
        if isinstance(one, Opened):
            opened[one.order.id] = (index, one)
        else:
            results[index] = one

    async def _hold(
        self, path: str, effect: Round, results: dict[int, Asked], opened: dict[str, tuple[int, Opened]]
    ) -> tuple[bool, str, bytes]:  # fmt: skip
        if not opened:
            return True, effect.head, b""

        async def settled(order: str, outcome: Outcome) -> None:
            index, one = opened.pop(order)
            here, mark = f"{path}/{index}", fingerprint(effect.asks[index])
            results[index] = await self._asker.settle(one, here, mark, outcome)
            self._known.add(here, mark, results[index])

        wanted = effect.quorum or len(effect.asks)
        here = sum(isinstance(result, Answer) for result in results.values())
        closed = await self._caller.round(
            round_id=path, orders=tuple(one.order for _, one in opened.values()), seconds=effect.seconds,
            quorum=min(max(1, wanted - here), len(opened)), topic=effect.topic, head=effect.head or GENESIS, settled=settled,
        )  # fmt: skip
        return closed.quorate, closed.head, msgspec.msgpack.encode(closed.entries)

    async def _abandon(self, opened: dict[str, tuple[int, Opened]]) -> None:
        for _, one in opened.values():
            await self._asker.close(one, UNKNOWN)
