"""One bare GET to a server of this machine, for its health and its figures."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

PATIENCE = 4.0
"""Seconds for the whole exchange."""
LONGEST = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Got:
    """An answer; status 0 where there was none."""

    status: int
    body: bytes = b""


async def get(host: str, port: int, path: str) -> Got:
    """Never raises for what the server does."""
    with suppress(OSError, TimeoutError, ValueError, EOFError, asyncio.LimitOverrunError):
        async with asyncio.timeout(PATIENCE):
            return await _exchange(host, port, path)
    return Got(0)


async def _exchange(host: str, port: int, path: str) -> Got:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        # HTTP/1.0, so that the body is all that comes until the end.
        writer.write(f"GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
        await writer.drain()
        head = await reader.readuntil(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        body = bytearray()
        while (chunk := await reader.read(65_536)) and len(body) < LONGEST:
            body += chunk
        return Got(status, bytes(body))
    finally:
        writer.close()
