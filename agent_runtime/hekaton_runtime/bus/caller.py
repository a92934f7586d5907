"""The conductor's side of the bus: ask, hold a debate round, halt.

Every order ends in exactly one outcome, also when the broker falls silent or restarts: then what
was in flight is "lost" and may have been billed. An order that was never sent is never billed.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Self

from msgspec.structs import replace

from hekaton_runtime.bus.dispatch import fault
from hekaton_runtime.bus.holding import Holding, Pending, check_mission, opening, prove, unfit
from hekaton_runtime.bus.keys import PeerKeys
from hekaton_runtime.bus.link import HEARTBEAT, HIGH_WATER, PATIENCE, Inner, Link
from hekaton_runtime.bus.messages import (
    PROTOCOL,
    CallerHello,
    Cancel,
    Faulted,
    Halt,
    OpenRound,
    Order,
    Outcome,
    Reply,
    RoundClosed,
    Submit,
    Welcome,
)
from hekaton_runtime.bus.sockets import Sockets
from hekaton_runtime.errors import BadInput, Unavailable

_log = logging.getLogger(__name__)
_HALT = 2.0  # seconds that a halt waits for the answers
Settled = Callable[[str, Outcome], Awaitable[None]]
"""Told every order's id and outcome, as it arrives."""


class Caller:
    """One mission's voice on the bus."""

    def __init__(self, sockets: Sockets, address: str, mission: str, keys: PeerKeys | None) -> None:
        self._mission = mission
        self._link = Link(
            sockets.dealer(address, keys), CallerHello(protocol=PROTOCOL, mission=mission), self
        )
        self._pending: dict[str, Pending] = {}
        self._holdings: dict[str, Holding] = {}
        self._given_up: set[str] = set()
        self._halted = ""

    @classmethod
    @asynccontextmanager
    async def connect(
        cls, address: str, *, mission: str, keys: PeerKeys | None = None, wait: float = 5.0
    ) -> AsyncIterator[Self]:
        """Connect; `Unavailable` when no broker welcomes the mission within `wait` seconds."""
        async with Sockets(
            high_water=HIGH_WATER, heartbeat=HEARTBEAT, patience=PATIENCE
        ) as sockets:
            caller = cls(sockets, address, mission, keys)
            running = asyncio.ensure_future(caller._link.run())
            ready = asyncio.ensure_future(caller._link.ready(wait))
            try:
                await asyncio.wait({running, ready}, return_when=asyncio.FIRST_COMPLETED)
                if running.done():
                    running.result()
                if not ready.result():
                    raise Unavailable(
                        f"No broker at {address!r} welcomed mission {mission!r} within {wait:g} s; "
                        "is it running, and does it admit this key?"
                    )
                running.add_done_callback(lambda _: caller._lose("the link to the broker ended"))
                yield caller
                await caller._link.farewell()
            finally:
                running.cancel()
                ready.cancel()
                await asyncio.gather(running, ready, return_exceptions=True)
                caller._lose("the caller was closed")

    @property
    def up(self) -> bool:
        """Whether the broker answers."""
        return self._link.up

    async def ask(self, order: Order) -> Outcome:
        """Have one order answered. Cancelling this cancels the order at the agent, unawaited."""
        check_mission(self._mission, (order,))
        pending = self._pending.get(order.id)
        if pending is not None:
            return await self._outcome(pending)
        if (refused := unfit(order)) is not None:
            return refused
        pending = self._register(order, None)
        try:
            await self._place(pending)
            return await self._outcome(pending)
        finally:
            if not pending.sent:
                self._resolve(pending, fault("unavailable", "given up before it was sent", False))

    async def round(
        self,
        round_id: str,
        orders: tuple[Order, ...],
        quorum: int,
        seconds: float,
        topic: str,
        head: str,
        settled: Settled,
    ) -> RoundClosed:
        """Hold a debate round; `settled` is awaited for every order, also for those that are late.

        Raises `TranscriptBroken` if the transcript is not a chain over what was heard, and whatever
        `settled` raises, after cancelling the rest.
        """
        check_mission(self._mission, orders)
        refusals = {order.id: refused for order in orders if (refused := unfit(order)) is not None}
        names = tuple(order.id for order in orders if order.id not in refusals)
        opened = opening(self._mission, round_id, names, quorum, seconds, topic, head)
        holding = self._hold(opened, orders)
        try:
            for name, refused in refusals.items():
                self._resolve(self._pending[name], refused)
            await self._open(holding)
            for _ in orders:
                await settled(*await holding.arrived.get())
            closed = await holding.closed
        finally:
            del self._holdings[round_id]
            for order in orders:
                if (pending := self._pending.get(order.id)) is not None:
                    self._withdraw(pending, "the round was given up")
        prove(closed, holding)
        return closed

    async def halt(self, reason: str) -> None:
        """Stop the mission: nothing more is sent; returns when all is answered or after 2 s."""
        self._halted = reason[:4000] or "halted"
        self._link.send(Halt(mission=self._mission, reason=self._halted))
        for pending in [p for p in self._pending.values() if not p.sent]:
            self._resolve(pending, self._refusal())
        if futures := [pending.future for pending in self._pending.values()]:
            await asyncio.wait(futures, timeout=_HALT)
        for pending in tuple(self._pending.values()):
            why = f"halted ({self._halted}); the broker did not say what it cost"
            self._resolve(pending, fault("unknown", why, True))
        for holding in self._holdings.values():
            holding.give_up()

    def welcomed(self, welcome: Welcome, restarted: bool) -> None:
        """Send again what this broker may have lost track of; another broker never had it."""
        if restarted:
            self._lose("the broker restarted")
        if self._halted:
            self._link.send(Halt(mission=self._mission, reason=self._halted))
        for order in self._given_up:
            self._send_cancel(order, "the broker was silent")
        self._given_up.clear()
        for holding in self._holdings.values():
            self._link.send(replace(holding.opened, epoch=welcome.epoch))
        for pending in self._pending.values():
            if pending.sent:
                self._submit(pending)

    def silent(self) -> None:
        """Write off what is in flight."""
        self._given_up.update(order for order, p in self._pending.items() if p.sent)
        self._lose("the broker is silent")

    def hear(self, message: Inner) -> None:
        """Take an outcome or the close of a round."""
        match message:
            case Reply(order=order, outcome=outcome):
                if (pending := self._pending.get(order)) is not None:
                    self._hear(pending, outcome)
            case RoundClosed():
                holding = self._holdings.get(message.round)
                if holding is not None and not holding.closed.done():
                    holding.closed.set_result(message)
            case _:
                _log.warning("a caller was sent a %s", type(message).__name__)

    def _hear(self, pending: Pending, outcome: Outcome) -> None:
        if pending.holding is not None:
            pending.holding.hear(pending.order, outcome)
        self._resolve(pending, outcome)

    def _register(self, order: Order, holding: Holding | None) -> Pending:
        future = asyncio.get_running_loop().create_future()
        pending = self._pending[order.id] = Pending(order, future, holding)
        return pending

    def _resolve(self, pending: Pending, outcome: Outcome) -> None:
        if self._pending.get(pending.order.id) is pending:
            del self._pending[pending.order.id]
        if not pending.future.done():
            pending.future.set_result(outcome)
            if pending.holding is not None:
                pending.holding.arrived.put_nowait((pending.order.id, outcome))

    async def _outcome(self, pending: Pending) -> Outcome:
        pending.waiters += 1
        try:
            return await asyncio.shield(pending.future)
        except asyncio.CancelledError:
            if pending.waiters == 1:
                self._withdraw(pending, "the caller cancelled it")
            raise
        finally:
            pending.waiters -= 1

    async def _place(self, pending: Pending) -> None:
        """Send an order as soon as the broker can be reached, within the order's own seconds."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + pending.order.seconds
        while not self._halted and await self._link.ready(deadline - loop.time()):
            if pending.future.done() or self._submit(pending):
                return
            self._link.lapse()
        self._resolve(pending, self._refusal())

    def _submit(self, pending: Pending) -> bool:
        welcome = self._link.welcome
        if self._halted or welcome is None:
            return False
        named = pending.holding.opened.round if pending.holding is not None else ""
        sent = self._link.send(Submit(epoch=welcome.epoch, order=pending.order, round=named))
        pending.sent = pending.sent or sent
        return sent

    def _hold(self, opened: OpenRound, orders: tuple[Order, ...]) -> Holding:
        reasons = [
            f"Round {opened.round!r} asks order {order.id!r}, which is in flight; use a new id."
            for order in orders
            if order.id in self._pending
        ]
        if opened.round in self._holdings:
            reasons.append(f"Round {opened.round!r} is open already; use a new name.")
        if len({order.id for order in orders}) < len(orders):
            reasons.append(f"Round {opened.round!r} names an order twice; use an id for each.")
        if reasons:
            raise BadInput(reasons)
        holding = Holding(opened, asyncio.get_running_loop().create_future())
        self._holdings[opened.round] = holding
        for order in orders:
            self._register(order, holding)
        return holding

    async def _open(self, holding: Holding) -> None:
        """Send the round; what cannot be sent is refused, and costs nothing."""
        ready = not self._halted and await self._link.ready(holding.opened.seconds)
        welcome = self._link.welcome
        waiting = [p for p in self._pending.values() if p.holding is holding]
        opened = (
            ready
            and welcome is not None
            and self._link.send(replace(holding.opened, epoch=welcome.epoch))
        )
        for pending in waiting:
            if not opened or not self._submit(pending):
                self._resolve(pending, self._refusal())
        if not opened:
            holding.give_up()

    def _withdraw(self, pending: Pending, why: str) -> None:
        if pending.sent:
            self._send_cancel(pending.order.id, why)
        self._resolve(pending, fault("unknown", why, True))

    def _send_cancel(self, order: str, why: str) -> None:
        self._link.send(Cancel(mission=self._mission, order=order, reason=why))

    def _lose(self, why: str) -> None:
        for holding in self._holdings.values():
            holding.give_up()
        for pending in [p for p in self._pending.values() if p.sent]:
            self._resolve(pending, fault("lost", why, True))

    def _refusal(self) -> Faulted:
        why = "the broker could not be reached in time"
        if self._halted:
            why = f"mission {self._mission!r} was halted: {self._halted}"
        return fault("unavailable", why, False)
