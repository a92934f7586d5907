"""/healthz, /readyz and /metrics over HTTP, on asyncio alone.

Alive means progress: the event loop turns, the oldest key is not stuck, and the Lease was looked at
lately. A process that merely exists is not alive.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

LONGEST = 8192
PATIENCE = 5.0


@dataclass(frozen=True, slots=True)
class Answers:
    """What the three paths say. The first two list what is wrong; empty means well."""

    alive: Callable[[], tuple[str, ...]]
    ready: Callable[[], tuple[str, ...]]
    metrics: Callable[[], bytes]


@asynccontextmanager
async def serve(port: int, answers: Answers, host: str = "0.0.0.0") -> AsyncIterator[int]:
    """The port in use; 0 asks for a free one."""

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(
            OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError
        ):
            async with asyncio.timeout(PATIENCE):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(_answer(head, answers))
                await writer.drain()
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(client, host, port, limit=LONGEST)
    async with server:
        yield server.sockets[0].getsockname()[1]


def _answer(head: bytes, answers: Answers) -> bytes:
    words = head.split(b"\r\n", 1)[0].split(b" ")
    if len(words) != 3 or words[0] not in (b"GET", b"HEAD"):
        return _response("405 Method Not Allowed", b"Only GET.\n")
    match words[1].split(b"?")[0]:
        case b"/healthz":
            return _verdict(answers.alive())
        case b"/readyz":
            return _verdict(answers.ready())
        case b"/metrics":
            return _response(
                "200 OK", answers.metrics(), "text/plain; version=0.0.4; charset=utf-8"
            )
        case _:
            return _response("404 Not Found", b"Known: /healthz, /readyz, /metrics.\n")


def _verdict(wrong: tuple[str, ...]) -> bytes:
    if wrong:
        return _response("503 Service Unavailable", "\n".join(wrong).encode() + b"\n")
    return _response("200 OK", b"ok\n")


def _response(status: str, body: bytes, kind: str = "text/plain; charset=utf-8") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body
