"""Perform a debate round: every question reserved on its own, all sent at once, each settled as it comes in.

Where nobody at all could be reached (no endpoint, no broker), or all answers got lost, the round is held
again, as a single question would be asked; with one answer it stands, and who was away is missing from it.
"""

import random
import time

import msgspec

from hekaton_runtime.bus.caller import Caller
from hekaton_runtime.bus.messages import Faulted, Outcome
from hekaton_runtime.bus.transcript import GENESIS
from hekaton_runtime.conductor.asking import AGAIN, Asker, Opened
from hekaton_runtime.conductor.engine import Known
from hekaton_runtime.effects import Round
from hekaton_runtime.journal.entries import fingerprint
from hekaton_runtime.ledger.accounts import RELEASED, UNKNOWN
from hekaton_runtime.results import Answer, Asked, Failed, HeardAll, Refused, Stopped

AWAY = ("unavailable", "lost", "unknown")


class Rounder:
    """Answers that an earlier conductor journaled are not asked for again."""

    def __init__(self, asker: Asker, caller: Caller, known: Known, token: int) -> None:
        self._asker = asker
        self._caller = caller
        self._known = known
        self._token = token

    async def perform(self, path: str, effect: Round) -> HeardAll:
        outage, lost = self._asker.outage(), 0
        for attempt in range(1, 1000):
            sitting = Sitting(self._asker, self._known, path, effect, attempt)
            began = time.monotonic()
            try:
                await sitting.open()
                heard = await self._hold(sitting, f"{path}#{self._token}.{attempt}")
            finally:
                await sitting.abandon()
            lost += sitting.charged
            if not sitting.deserted or lost >= AGAIN:
                return await sitting.close(heard, _drawn(len(effect.asks)))
            await outage.wait(sitting.why, time.monotonic() - began, self._asker.watch)
        raise AssertionError("an outage ends long before")

    async def _hold(self, sitting: "Sitting", name: str) -> HeardAll:
        """`name` is new for every owner and try: the broker may still hold an earlier one."""
        effect, opened = sitting.effect, sitting.opened
        if not opened:
            return HeardAll(answers=(), quorate=True, head=effect.head)
        sitting.launch()
        closed = await self._caller.round(
            round_id=name, orders=tuple(one.order for _, one in opened.values()), seconds=effect.seconds,
            quorum=min(max(1, (effect.quorum or len(effect.asks)) - sitting.answers), len(opened)),
            topic=effect.topic, head=effect.head or GENESIS, settled=sitting.settled,
        )  # fmt: skip
        entries = msgspec.msgpack.encode(closed.entries)
        return HeardAll(answers=(), quorate=closed.quorate, head=closed.head, transcript=entries)


class Sitting:
    """One try of a round: its open calls and what came of each question."""

    def __init__(self, asker: Asker, known: Known, path: str, effect: Round, attempt: int) -> None:
        self._asker = asker
        self._known = known
        self._path = path
        self.effect = effect
        self._attempt = attempt
        self.opened: dict[str, tuple[int, Opened]] = {}
        """By order."""
        self._results: dict[int, Asked] = {}
        self._away: dict[int, Failed] = {}
        self._sent = False
        self.charged = False
        """Whether the outcome of a question got lost, which stays charged."""

    async def open(self) -> None:
        """Reserve what is not known yet."""
        for index, ask in enumerate(self.effect.asks):
            here, mark = self._place(index)
            known = self._known.find(here, mark, ask)
            if isinstance(known, Answer | Refused | Failed | Stopped):
                self._results[index] = known
                continue
            one = await self._asker.open(here, ask, self._attempt, held=True)
            if isinstance(one, Opened):
                self.opened[one.order.id] = (index, one)
            else:
                self._results[index] = one

    def launch(self) -> None:
        self._sent = True
        self._asker.purse.launch(one.call.id for _, one in self.opened.values())

    async def settled(self, order: str, outcome: Outcome) -> None:
        """Called for every order as its outcome arrives."""
        index, one = self.opened[order]
        here, mark = self._place(index)
        if isinstance(outcome, Faulted) and outcome.kind in AWAY and outcome.usage is None:
            await self._asker.close(one, UNKNOWN if outcome.billed else RELEASED)
            self._away[index] = Failed(kind=outcome.kind, detail=outcome.detail)
            self.charged |= outcome.billed
        else:
            self._results[index] = await self._asker.settle(one, here, mark, outcome)
            self._known.add(here, mark, self._results[index])
        del self.opened[order]

    @property
    def answers(self) -> int:
        return sum(isinstance(result, Answer) for result in self._results.values())

    @property
    def deserted(self) -> bool:
        """Was there nobody to answer anything."""
        return bool(self._away) and not self.answers

    @property
    def why(self) -> str:
        return next(iter(self._away.values())).detail

    async def close(self, heard: HeardAll, order: tuple[int, ...]) -> HeardAll:
        """The round with its answers, in the order of its asks."""
        for index, failed in self._away.items():
            here, mark = self._place(index)
            await self._asker.record(here, mark, failed)
            self._known.add(here, mark, failed)
        results = self._results | self._away
        answers = tuple(results[index] for index in range(len(self.effect.asks)))
        return msgspec.structs.replace(heard, answers=answers, order=order)

    async def abandon(self) -> None:
        """Close what an interruption left open; what was not sent costs nothing."""
        for _, one in tuple(self.opened.values()):
            await self._asker.close(one, UNKNOWN if self._sent else RELEASED)

    def _place(self, index: int) -> tuple[str, bytes]:
        return f"{self._path}/{index}", fingerprint(self.effect.asks[index])


def _drawn(many: int) -> tuple[int, ...]:
    """An order that nobody can foresee; it is journaled with the answers."""
    return tuple(random.SystemRandom().sample(range(many), many))
