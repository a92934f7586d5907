"""The broker process: sockets around the desk.

One loop receives, one wakes at deadlines; both let the desk decide and carry out its actions. No
send waits, so a peer that does not read is dropped and nobody else is held up. A broker keeps
nothing across a restart: its epoch tells callers that what they had in flight is lost.
"""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Self, assert_never

from hekaton_runtime.bus.actions import Complain, Publish, Send
from hekaton_runtime.bus.complaints import Cause, Complaints
from hekaton_runtime.bus.desk import Desk
from hekaton_runtime.bus.keys import BrokerKeys
from hekaton_runtime.bus.messages import Malformed, decode_to_broker, encode
from hekaton_runtime.bus.race import race
from hekaton_runtime.bus.settings import BusSettings
from hekaton_runtime.bus.sockets import Gate, Publisher, Router, Sockets

_log = logging.getLogger(__name__)


class Broker:
    """A bound broker; `addresses` and `control_address` hold the ports really bound."""

    def __init__(
        self, router: Router, publisher: Publisher, gate: Gate | None, settings: BusSettings
    ) -> None:
        self._router = router
        self._publisher = publisher
        self._gate = gate
        self.address = router.endpoint
        self.addresses = router.endpoints
        self.control_address = publisher.endpoint
        self.epoch = secrets.token_hex(8)
        self._desk = Desk(settings, self.epoch, self.control_address)
        self._complaints = Complaints()
        self._wake = asyncio.Event()
        self._asleep_until = 0.0

    @classmethod
    @asynccontextmanager
    async def bind(
        cls,
        address: str,
        control_address: str,
        settings: BusSettings,
        keys: BrokerKeys | None = None,
        also: tuple[str, ...] = (),
    ) -> AsyncIterator[Self]:
        """Bind both sockets, the main one to `also` as well.

        `BadInput` for tcp without keys, and for a folder that others may enter without them.
        """
        async with Sockets(
            high_water=settings.high_water,
            heartbeat=settings.heartbeat,
            patience=settings.patience,
        ) as sockets:
            gate = sockets.gate(keys) if keys is not None else None
            router = sockets.router((address, *also), keys)
            publisher = sockets.publisher(control_address, keys)
            yield cls(router, publisher, gate, settings)

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set."""
        _log.info("broker up", extra={"address": self.address, "epoch": self.epoch})
        jobs = [self._receive(), self._watch(), _until(stop)]
        if self._gate is not None:
            jobs.append(self._gate.serve())
        await race(*jobs)
        _log.info("broker down", extra={"address": self.address, "epoch": self.epoch})

    def registered(self) -> tuple[str, ...]:
        """Name the agents that have a live instance here."""
        return self._desk.registered()

    def complaints(self, cause: Cause) -> int:
        """Return how many frames or peers were turned away for a cause."""
        return self._complaints.count(cause)

    async def _receive(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            parcel = await self._router.receive()
            try:
                message = decode_to_broker(parcel.body)
            except Malformed as flaw:
                self._complain(parcel.sender, parcel.user, flaw.flaw, str(flaw))
                continue
            self._desk.hear(parcel.sender, parcel.user, message, loop.time())
            self._carry_out()
            if self._desk.next_due() < self._asleep_until:
                self._wake.set()

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._wake.clear()
            self._asleep_until = self._desk.next_due()
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self._asleep_until):
                    await self._wake.wait()
            self._desk.tick(loop.time())
            self._carry_out()

    def _carry_out(self) -> None:
        while actions := self._desk.take():
            failed = []
            for action in actions:
                match action:
                    case Send():
                        if not self._router.send_now(action.to, encode(action.message)):
                            failed.append(action)
                    case Publish():
                        self._publisher.send_now(encode(action.message))
                    case Complain():
                        self._complain(action.peer, "", action.cause, action.why)
                    case _:
                        assert_never(action)
            if failed:
                self._desk.unsent(failed, asyncio.get_running_loop().time())

    def _complain(self, peer: bytes, user: str, cause: Cause, why: str) -> None:
        name = user or peer.hex()
        if self._complaints.note(name, cause, asyncio.get_running_loop().time()):
            _log.warning("peer %s: %s", name, why, extra={"peer": name, "cause": cause})


async def _until(stop: asyncio.Event) -> None:
    await stop.wait()
