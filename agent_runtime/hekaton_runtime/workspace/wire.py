"""What a conductor and the workspace container say to each other: length, then msgpack. One
connection is one command; closing it, or saying `Cancel`, ends the command and all it started.
"""

import asyncio
import socket
import struct
from typing import TypeVar

import msgspec

from hekaton_runtime.workspace.protocol import Execution, Limits

LONGEST = 16 * 1024 * 1024
"""Bytes of one message: a command, or what it printed."""
HEAD = struct.Struct(">I")


class Command(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Run this in a folder below the shared root."""

    command: str
    folder: str
    limits: Limits


class Cancel(msgspec.Struct, frozen=True, tag=True):
    """End the command; its execution is still answered."""


class Done(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """How the command ended."""

    execution: Execution


class Refused(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """It was not run."""

    why: str


Said = Command | Cancel
Answer = Done | Refused
M = TypeVar("M")
_SAID: msgspec.msgpack.Decoder[Said] = msgspec.msgpack.Decoder(Said)
_ANSWER: msgspec.msgpack.Decoder[Answer] = msgspec.msgpack.Decoder(Answer)


class Garbled(ValueError):
    """What came is no message of ours."""


def frame(message: Said | Answer) -> bytes:
    """The bytes of a message."""
    body = msgspec.msgpack.encode(message)
    if len(body) > LONGEST:
        raise Garbled(f"a message of {len(body)} bytes is longer than {LONGEST}")
    return HEAD.pack(len(body)) + body


async def read_said(reader: asyncio.StreamReader) -> Said:
    """The next message of a conductor; raises `Garbled`, or `EOFError` at the end."""
    return _decoded(await _body(reader), _SAID)


async def read_answer(reader: asyncio.StreamReader) -> Answer:
    """The answer of a workspace; raises `Garbled`, or `EOFError` at the end."""
    return _decoded(await _body(reader), _ANSWER)


def peer_uid(writer: asyncio.StreamWriter) -> int:
    """Whose process is at the other end, as the kernel says."""
    link: socket.socket = writer.get_extra_info("socket")
    facts = link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", facts)[1])


async def _body(reader: asyncio.StreamReader) -> bytes:
    (size,) = HEAD.unpack(await reader.readexactly(HEAD.size))
    if size > LONGEST:
        raise Garbled(f"a message of {size} bytes is announced; the limit is {LONGEST}")
    return await reader.readexactly(size)


def _decoded(body: bytes, decoder: msgspec.msgpack.Decoder[M]) -> M:
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, RecursionError) as fault:
        raise Garbled(f"a message cannot be read: {fault}") from fault
