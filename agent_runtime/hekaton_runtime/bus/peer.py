"""The agent's side of the bus: registers, works on orders, cancels, reports, and comes back.

Every delivered order is reported once, whatever happens to the answerer. When the broker starts a
new session the orders of the old one are written off already, so they are stopped and not reported.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from traceback import format_tb
from typing import Protocol

from hekaton_runtime.bus.addresses import reachable
from hekaton_runtime.bus.keys import PeerKeys
from hekaton_runtime.bus.link import HEARTBEAT, HIGH_WATER, PATIENCE, Inner, Link
from hekaton_runtime.bus.messages import (
    PROTOCOL,
    AgentHello,
    Cancel,
    Deliver,
    Faulted,
    Malformed,
    Order,
    Outcome,
    Report,
    Welcome,
    decode_control,
)
from hekaton_runtime.bus.race import race
from hekaton_runtime.bus.roster import JobKey
from hekaton_runtime.bus.sockets import Sockets, Subscriber
from hekaton_runtime.errors import BadInput
from hekaton_runtime.results import FailureKind

_log = logging.getLogger(__name__)
_WIND_DOWN = 2.0  # seconds that cancelled answerers have at the end


class Answerer(Protocol):
    """Whoever answers orders: the role's actor, or a stand-in."""

    async def answer(self, order: Order) -> Outcome:
        """Answer one order; never called again for the same order.

        It may be cancelled at any await: either let `CancelledError` pass (then the cost counts as
        unknown) or catch it and return promptly what is known, with the usage. Anything else it
        raises is a defect of the agent and counts as unknown cost.
        """
        ...


async def serve_agent(
    address: str,
    *,
    agent: str,
    instance: str,
    capacity: int = 1,
    answerer: Answerer,
    keys: PeerKeys | None = None,
    stop: asyncio.Event,
    joined: Callable[[bool], None] = lambda there: None,
) -> None:
    """Serve as one instance of an agent until `stop` is set; `BadInput` if the broker denies it.

    On `stop` running orders are cancelled and reported, and the broker is told goodbye. Cancelling
    this coroutine instead leaves at once, without a word, as a crash would. `joined` hears whether
    the broker has it on its list.
    """
    hello = AgentHello(protocol=PROTOCOL, agent=agent, instance=instance, capacity=capacity)
    async with Sockets(high_water=HIGH_WATER, heartbeat=HEARTBEAT, patience=PATIENCE) as sockets:
        worker = _Worker(sockets, address, keys, hello, answerer, joined)
        try:
            await race(worker.link.run(), worker.control(), worker.stopped(stop))
        finally:
            await worker.leave()


@dataclass(slots=True)
class _Work:
    """One order in hand."""

    session: str
    task: asyncio.Task[Outcome] | None = None
    started: bool = False
    cancelled: str = ""


class _Worker:
    """The orders of one agent instance."""

    def __init__(
        self,
        sockets: Sockets,
        address: str,
        keys: PeerKeys | None,
        hello: AgentHello,
        answerer: Answerer,
        joined: Callable[[bool], None],
    ) -> None:
        self._joined = joined
        self._sockets = sockets
        self._address = address
        self._keys = keys
        self._hello = hello
        self._answerer = answerer
        self._works: dict[JobKey, _Work] = {}
        self._session = ""
        self._idle = asyncio.Event()
        self._control = asyncio.Queue[str]()
        self.link = Link(sockets.dealer(address, keys), hello, self)

    def welcomed(self, welcome: Welcome, restarted: bool) -> None:
        """Drop what a former session ordered, and follow the control channel of this broker."""
        _log.info(
            "agent registered",
            extra={
                "agent": self._hello.agent,
                "instance": self._hello.instance,
                "epoch": welcome.epoch,
                "restarted": restarted,
            },
        )
        self._joined(True)
        if welcome.session != self._session:
            self._session = welcome.session
            self._abandon()
        self._control.put_nowait(reachable(welcome.control, self._address))

    def silent(self) -> None:
        """Stop working: the callers were told that their orders are lost."""
        self._joined(False)
        self._cancel_all("the broker is silent")

    def hear(self, message: Inner) -> None:
        """Take an order, or stop one."""
        match message:
            case Deliver(order=order):
                self._take(order)
            case Cancel():
                self._cancel(JobKey(message.mission, message.order), message.reason)
            case _:
                _log.warning("an agent was sent a %s", type(message).__name__)

    async def control(self) -> None:
        """Obey the control channel of whichever broker welcomed last."""
        address = await self._control.get()
        while True:
            subscriber = self._sockets.subscriber(address, self._keys)
            obeying = asyncio.ensure_future(self._obey(subscriber))
            try:
                following = await self._control.get()
                while following == address:  # ZeroMQ reconnects by itself
                    following = await self._control.get()
                address = following
            finally:
                obeying.cancel()
                with suppress(asyncio.CancelledError):
                    await obeying
                self._sockets.drop(subscriber)

    async def stopped(self, stop: asyncio.Event) -> None:
        """Wait for `stop`, then end in good order."""
        await stop.wait()
        self._cancel_all("the agent stops")
        with suppress(TimeoutError):
            async with asyncio.timeout(_WIND_DOWN):
                while self._works:
                    self._idle.clear()
                    await self._idle.wait()
        await self.link.farewell()

    async def leave(self) -> None:
        """Cancel everything unreported, and give the answerers a moment to clear up."""
        if tasks := self._abandon():
            await asyncio.wait(tasks, timeout=_WIND_DOWN)

    def _abandon(self) -> list[asyncio.Task[Outcome]]:
        works, self._works = self._works, {}
        for work in works.values():
            self._stop(work, "written off")
        return [work.task for work in works.values() if work.task is not None]

    async def _obey(self, subscriber: Subscriber) -> None:
        while True:
            try:
                halt = decode_control(await subscriber.receive())
            except Malformed as flaw:
                _log.warning("a frame on the control channel was dropped: %s", flaw)
                continue
            for key in [key for key in self._works if key.mission == halt.mission]:
                self._cancel(key, halt.reason)

    def _take(self, order: Order) -> None:
        welcome = self.link.welcome
        key = JobKey(order.mission, order.id)
        if welcome is None or key in self._works:
            return
        work = _Work(welcome.session)
        if len(self._works) >= self._hello.capacity:
            self._report(key, work, _fault(False, "the agent is at its capacity"))
            return
        work.task = asyncio.ensure_future(self._answer(work, order))
        self._works[key] = work
        work.task.add_done_callback(partial(self._done, key, work))

    async def _answer(self, work: _Work, order: Order) -> Outcome:
        work.started = True
        return await self._answerer.answer(order)

    def _done(self, key: JobKey, work: _Work, task: asyncio.Task[Outcome]) -> None:
        outcome = self._outcome(work, task)
        if self._works.get(key) is work:
            del self._works[key]
            self._report(key, work, outcome)
        self._idle.set()

    def _outcome(self, work: _Work, task: asyncio.Task[Outcome]) -> Outcome:
        if task.cancelled():
            if not work.started:
                return _fault(False, f"cancelled before it was begun: {work.cancelled}")
            return _fault(True, f"cancelled: {work.cancelled}")
        fault = task.exception()
        if fault is None:
            return task.result()
        # The exception may quote a prompt or a credential; its type is enough for the caller.
        where = "".join(format_tb(fault.__traceback__, limit=-5))
        _log.error("the answerer failed with %s", type(fault).__name__, extra={"where": where})
        return _fault(True, f"the agent failed with {type(fault).__name__}")

    def _report(self, key: JobKey, work: _Work, outcome: Outcome) -> None:
        try:
            self.link.post(_report(key, work, outcome))
        except BadInput as fault:
            short = Faulted(kind="invalid", detail=str(fault), usage=outcome.usage, billed=True)
            self.link.post(_report(key, work, short))

    def _cancel_all(self, reason: str) -> None:
        for key in tuple(self._works):
            self._cancel(key, reason)

    def _cancel(self, key: JobKey, reason: str) -> None:
        if (work := self._works.get(key)) is not None:
            self._stop(work, reason)

    def _stop(self, work: _Work, reason: str) -> None:
        # Once only: a second cancel would break into the answerer's own clearing up.
        if work.task is not None and not work.cancelled:
            work.cancelled = reason
            work.task.cancel()


def _report(key: JobKey, work: _Work, outcome: Outcome) -> Report:
    return Report(session=work.session, mission=key.mission, order=key.order, outcome=outcome)


def _fault(billed: bool, detail: str) -> Faulted:
    kind: FailureKind = "unknown" if billed else "unavailable"
    return Faulted(kind=kind, detail=detail, usage=None, billed=billed)
