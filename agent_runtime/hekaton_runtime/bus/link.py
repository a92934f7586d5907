"""A peer's connection to the broker: hello until welcomed, heartbeats, silence, and who to tell.

The broker's welcome carries its epoch and a session. A new session means that the broker wrote off
what it had before of this peer; a new epoch that it is another broker altogether.
"""

import asyncio
import logging
from collections import deque
from contextlib import suppress
from typing import Protocol

from hekaton_runtime.bus.messages import (
    AgentHello,
    Beat,
    Bye,
    CallerHello,
    Cancel,
    Deliver,
    Denied,
    FromBroker,
    Malformed,
    Reply,
    RoundClosed,
    Stranger,
    ToBroker,
    Welcome,
    decode_from_broker,
    encode,
    encode_checked,
)
from hekaton_runtime.bus.race import race
from hekaton_runtime.bus.sockets import Dealer
from hekaton_runtime.errors import BadInput

_log = logging.getLogger(__name__)
_HELLO = 0.05  # seconds between two hellos until the first welcome
_FAREWELL = 0.2  # seconds to wait for the broker's goodbye

HEARTBEAT, PATIENCE = 1.0, 5.0
"""Seconds, until the broker's welcome names its own; ZeroMQ's own heartbeats use these."""
HIGH_WATER = 2048
"""Messages ZeroMQ buffers towards the broker."""

Inner = Deliver | Cancel | Reply | RoundClosed


class Owner(Protocol):
    """Who is told what happens on the link."""

    def welcomed(self, welcome: Welcome, restarted: bool) -> None:
        """A new session began, or the old one goes on after a silence.

        `restarted` when the broker is not the one it was before.
        """
        ...

    def silent(self) -> None:
        """Nothing was heard of the broker for its patience; hellos go out again."""
        ...

    def hear(self, message: Inner) -> None:
        """Act on any other message of the broker."""
        ...


class Link:
    """One peer's side of the conversation with the broker."""

    def __init__(self, dealer: Dealer, hello: AgentHello | CallerHello, owner: Owner) -> None:
        self._dealer = dealer
        self._hello = hello
        self._owner = owner
        self._up = asyncio.Event()
        self._parted = asyncio.Event()
        self._welcome: Welcome | None = None
        self._heard = 0.0
        self._missed = False
        self._unsent: deque[bytes] = deque()

    @property
    def welcome(self) -> Welcome | None:
        """The newest welcome, also while the link is down."""
        return self._welcome

    @property
    def up(self) -> bool:
        """Whether the broker has welcomed this peer and is not silent."""
        return self._up.is_set()

    async def run(self) -> None:
        """Keep the link up until cancelled; raises `BadInput` when the broker denies this peer."""
        try:
            await race(self._listen(), self._beat())
        finally:
            self._up.clear()

    async def ready(self, seconds: float) -> bool:
        """Wait until the broker has welcomed this peer; False when it does not in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._up.wait()
        return self._up.is_set()

    def send(self, message: ToBroker) -> bool:
        """Send at once; False when the broker cannot be reached now. `BadInput` when too large."""
        frame = encode(message)
        return self._up.is_set() and self._dealer.send_now(frame)

    def post(self, message: ToBroker) -> None:
        """Send, or keep for the next heartbeat of this session. `BadInput` if it never can."""
        frame = encode_checked(message)
        if self._unsent or not self._dealer.send_now(frame):
            self._unsent.append(frame)

    def lapse(self) -> None:
        """Take the link as down until the broker answers a hello."""
        self._up.clear()

    async def farewell(self) -> None:
        """Say goodbye and wait briefly for the echo, behind which everything sent has arrived."""
        self._flush()
        if not self.send(Bye()):
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(_FAREWELL):
                await self._parted.wait()

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            frame = await self._dealer.receive()
            try:
                message = decode_from_broker(frame)
            except Malformed as flaw:
                _log.warning("a frame from the broker was dropped: %s", flaw)
                continue
            self._heard = loop.time()
            self._act(message)

    def _act(self, message: FromBroker) -> None:
        match message:
            case Welcome():
                self._welcomed(message)
            case Denied():
                raise BadInput([message.reason])
            case Stranger():
                self._greet()
            case Beat():
                if self._welcome is not None and message.epoch != self._welcome.epoch:
                    self._greet()
            case Bye():
                self._parted.set()
            case _:
                self._owner.hear(message)

    def _welcomed(self, welcome: Welcome) -> None:
        former, self._welcome = self._welcome, welcome
        missed, self._missed = self._missed, False
        fresh = former is None or former.session != welcome.session
        self._up.set()
        if fresh:
            self._unsent.clear()
        if fresh or missed:
            restarted = former is not None and former.epoch != welcome.epoch
            self._owner.welcomed(welcome, restarted)

    def _greet(self) -> None:
        self._up.clear()
        self._dealer.send_now(encode(self._hello))

    async def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            quiet = loop.time() - self._heard >= self._patience()
            if quiet and self._welcome is not None and not self._missed:
                self._missed = True
                _log.warning("the broker is silent", extra={"seconds": self._patience()})
                self._owner.silent()
            if quiet or not self._up.is_set():
                self._greet()
            else:
                self._flush()
                self._dealer.send_now(encode(Beat()))
            await asyncio.sleep(self._pause())

    def _pause(self) -> float:
        if self._welcome is None:
            return _HELLO
        return self._welcome.heartbeat

    def _patience(self) -> float:
        return self._welcome.patience if self._welcome is not None else PATIENCE

    def _flush(self) -> None:
        while self._unsent and self._dealer.send_now(self._unsent[0]):
            self._unsent.popleft()
