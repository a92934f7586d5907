"""The one door to ZeroMQ: typed sockets with the options the bus relies on.

No send waits: a full buffer or an unreachable peer is an answer (False), so that one slow peer
never holds up the others. tcp needs CURVE keys, ipc a folder that only its owner can enter. Each
socket belongs to one task for receiving; sends happen on the same loop.
"""

import asyncio
from typing import NamedTuple, Self, TypeVar

import zmq
import zmq.asyncio
from zmq.utils import z85

from hekaton_runtime.bus.addresses import private_folder, why_not
from hekaton_runtime.bus.keys import BrokerKeys, PeerKeys
from hekaton_runtime.bus.messages import MAX_BYTES
from hekaton_runtime.errors import BadInput

_ZAP_ENDPOINT = "inproc://zeromq.zap.01"
_ZAP_DOMAIN = b"hekaton"
_YIELD_EVERY = 64  # a receive that is ready does not suspend, and a flood would starve the loop


_S = TypeVar("_S", bound="_Socket")


class Parcel(NamedTuple):
    """One received frame: who sent it, and the name of the key it came with ("" without CURVE)."""

    sender: bytes
    body: bytes
    user: str


class _Socket:
    def __init__(self, raw: zmq.asyncio.Socket) -> None:
        self._raw = raw
        self._received = 0
        self.endpoints: tuple[str, ...] = ()
        """The addresses really bound, with their ports."""

    @property
    def endpoint(self) -> str:
        """The first of them."""
        return self.endpoints[0]

    def close(self) -> None:
        """Close at once; what was not sent yet is dropped."""
        self._raw.close(linger=0)

    def _send(self, frames: list[bytes]) -> bool:
        # A non-blocking send comes back as a future that is done.
        fault = asyncio.ensure_future(
            self._raw.send_multipart(frames, flags=zmq.NOBLOCK)
        ).exception()
        if fault is None:
            return True
        if isinstance(fault, zmq.Again) or (
            isinstance(fault, zmq.ZMQError) and fault.errno == zmq.EHOSTUNREACH
        ):
            return False
        raise fault

    async def _receive(self) -> list[bytes]:
        await self._breathe()
        return await self._raw.recv_multipart()

    async def _breathe(self) -> None:
        self._received += 1
        if self._received % _YIELD_EVERY == 0:
            await asyncio.sleep(0)


class Router(_Socket):
    """The broker's end: many peers, each behind an identity that ZeroMQ gave it."""

    def __init__(self, raw: zmq.asyncio.Socket, secured: bool) -> None:
        super().__init__(raw)
        self._secured = secured

    def send_now(self, to: bytes, body: bytes) -> bool:
        """Hand a frame over to be sent; False when the peer is gone or its buffer is full."""
        return self._send([to, body])

    async def receive(self) -> Parcel:
        """Wait for a frame. A message of another shape comes with an empty body."""
        if not self._secured:  # a peer could name itself at will
            frames = await self._receive()
            return Parcel(frames[0], frames[1] if len(frames) == 2 else b"", "")
        await self._breathe()
        sealed = await self._raw.recv_multipart(copy=False)
        body = sealed[1].bytes if len(sealed) == 2 else b""
        return Parcel(sealed[0].bytes, body, str(sealed[-1].get("User-Id")))


class Dealer(_Socket):
    """A peer's end."""

    def send_now(self, body: bytes) -> bool:
        """Hand a frame over to be sent; False without a connection or with a full buffer."""
        return self._send([body])

    async def receive(self) -> bytes:
        """Wait for a frame. A message of another shape comes back empty."""
        frames = await self._receive()
        return frames[0] if len(frames) == 1 else b""


class Publisher(_Socket):
    """The broker's end of the control channel."""

    def send_now(self, body: bytes) -> bool:
        """Send to every subscriber that can take it."""
        return self._send([body])


class Subscriber(_Socket):
    """An agent's end of the control channel."""

    async def receive(self) -> bytes:
        """Wait for a frame. A message of another shape comes back empty."""
        frames = await self._receive()
        return frames[0] if len(frames) == 1 else b""


class Gate(_Socket):
    """The ZAP authenticator: it lets in the admitted public keys and nobody else."""

    def __init__(self, raw: zmq.asyncio.Socket, keys: BrokerKeys) -> None:
        super().__init__(raw)
        self._names = {z85.decode(a.public): a.name for a in keys.admitted}

    async def serve(self) -> None:
        """Decide on connections until cancelled."""
        while True:
            self._send(self._decide(await self._receive()))

    def _decide(self, frames: list[bytes]) -> list[bytes]:
        version, request = frames[0], frames[1]
        name = None
        if len(frames) == 7 and frames[2] == _ZAP_DOMAIN and frames[5] == b"CURVE":
            name = self._names.get(frames[6])
        if name is None:
            return [version, request, b"400", b"unknown key", b"", b""]
        return [version, request, b"200", b"OK", name.encode(), b""]


class Sockets:
    """The sockets of one broker or peer; closing it closes them all."""

    def __init__(self, *, high_water: int, heartbeat: float, patience: float) -> None:
        self._context = zmq.asyncio.Context()
        self._context.setsockopt(zmq.LINGER, 0)
        self._open: list[_Socket] = []
        self._options = (
            (zmq.SNDHWM, high_water),
            (zmq.RCVHWM, high_water),
            # Twice the limit: a frame a little too large is counted by who reads it, a huge one is
            # cut off, with its connection, before it fills memory.
            (zmq.MAXMSGSIZE, 2 * MAX_BYTES),
            (zmq.HEARTBEAT_IVL, max(1, int(heartbeat * 1000))),
            (zmq.HEARTBEAT_TIMEOUT, max(1, int(patience * 1000))),
            (zmq.HEARTBEAT_TTL, max(100, int(patience * 1000))),
            (zmq.HANDSHAKE_IVL, 5000),
            (zmq.RECONNECT_IVL, 50),
            (zmq.RECONNECT_IVL_MAX, 2000),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for socket in self._open:
            socket.close()
        self._context.term()

    def router(self, addresses: tuple[str, ...], keys: BrokerKeys | None) -> Router:
        """Bind the broker's main socket, to one address or to several."""
        raw = self._raw(zmq.ROUTER)
        raw.setsockopt(zmq.ROUTER_MANDATORY, 1)
        return self._bind(Router(raw, keys is not None), raw, addresses, keys)

    def publisher(self, address: str, keys: BrokerKeys | None) -> Publisher:
        """Bind the control channel."""
        raw = self._raw(zmq.PUB)
        return self._bind(Publisher(raw), raw, (address,), keys)

    def dealer(self, address: str, keys: PeerKeys | None) -> Dealer:
        """Connect to a broker."""
        raw = self._raw(zmq.DEALER)
        # Without a connection nothing is queued: an order must not outlive the broker it was for.
        raw.setsockopt(zmq.IMMEDIATE, 1)
        return self._connect(Dealer(raw), raw, address, keys)

    def subscriber(self, address: str, keys: PeerKeys | None) -> Subscriber:
        """Connect to a control channel."""
        raw = self._raw(zmq.SUB)
        raw.setsockopt(zmq.SUBSCRIBE, b"")
        return self._connect(Subscriber(raw), raw, address, keys)

    def gate(self, keys: BrokerKeys) -> Gate:
        """Bind the authenticator; it must be there before the first connection."""
        raw = self._raw(zmq.REP)
        raw.bind(_ZAP_ENDPOINT)
        gate = Gate(raw, keys)
        self._open.append(gate)
        return gate

    def _raw(self, kind: int) -> zmq.asyncio.Socket:
        raw: zmq.asyncio.Socket = self._context.socket(kind)
        for option, value in self._options:
            raw.setsockopt(option, value)
        return raw

    def _bind(
        self,
        socket: _S,
        raw: zmq.asyncio.Socket,
        addresses: tuple[str, ...],
        keys: BrokerKeys | None,
    ) -> _S:
        self._open.append(socket)
        if reasons := [why for one in addresses for why in why_not(one, keys is not None)]:
            raise BadInput(reasons)
        for address in addresses:
            if address.startswith("ipc://") and keys is None:  # with keys, they keep others out
                private_folder(address)
        if keys is not None:
            raw.curve_server = True
            raw.curve_publickey = keys.own.public.encode()
            raw.curve_secretkey = keys.own.secret.encode()
            raw.setsockopt(zmq.ZAP_DOMAIN, _ZAP_DOMAIN)
        socket.endpoints = tuple(_bound(raw, address) for address in addresses)
        return socket

    def _connect(
        self, socket: _S, raw: zmq.asyncio.Socket, address: str, keys: PeerKeys | None
    ) -> _S:
        self._open.append(socket)
        if reasons := why_not(address, keys is not None):
            raise BadInput(reasons)
        if keys is not None:
            raw.curve_publickey = keys.own.public.encode()
            raw.curve_secretkey = keys.own.secret.encode()
            raw.curve_serverkey = keys.broker.encode()
        try:
            raw.connect(address)
        except zmq.ZMQError as fault:
            raise BadInput([f"Address {address!r} cannot be used: {fault.strerror}."]) from fault
        return socket

    def drop(self, socket: _Socket) -> None:
        """Close one socket early."""
        self._open.remove(socket)
        socket.close()


def _bound(raw: zmq.asyncio.Socket, address: str) -> str:
    try:
        raw.bind(address)
    except zmq.ZMQError as fault:
        why = f"Cannot bind {address!r}: {fault.strerror}. Give an address that is free here."
        raise BadInput([why]) from fault
    return raw.getsockopt_string(zmq.LAST_ENDPOINT).rstrip("\0")


def new_curve_pair() -> tuple[str, str]:
    """Make a CURVE key pair: public, secret, as Z85 text."""
    public, secret = zmq.curve_keypair()
    return public.decode(), secret.decode()


def public_of(secret: str) -> str:
    """Derive the public key of a secret one."""
    return zmq.curve_public(secret.encode()).decode()
