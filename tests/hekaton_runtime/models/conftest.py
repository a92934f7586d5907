"""Fixtures of the model tests: scripted socket servers, clients that are closed, requests."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec
import pytest

from hekaton_runtime.answers import AnswerName, schema
from hekaton_runtime.models.endpoint import ClientSettings
from hekaton_runtime.models.openai import OpenAIModel
from hekaton_runtime.models.protocol import AnswerSchema, CompletionRequest, Message

Step = bytes | float | str
"""Bytes are sent, a float is slept, "reset" resets the connection, "hang" waits for the client to go."""


@dataclass(slots=True)
class Raw:
    """A socket server that plays one list of steps a connection; the last one for all further."""

    plays: Sequence[Sequence[Step]]
    url: str = ""
    heads: list[bytes] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once a client closed its connection during "hang"."""
    at_once: int = 0
    most_at_once: int = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.play(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.gone.set()
        finally:
            self.at_once -= 1
            writer.close()

    async def play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = len(self.heads)
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        lengths = [line for line in head.lower().split(b"\r\n") if b"content-length" in line]
        size = int(lengths[0].split(b":")[1]) if lengths else 0
        body = await reader.readexactly(size)
        self.bodies.append(msgspec.json.decode(body) if body else {})
        for step in self.plays[min(number, len(self.plays) - 1)]:
            if isinstance(step, bytes):
                writer.write(step)
                await writer.drain()
            elif isinstance(step, float):
                await asyncio.sleep(step)
            elif step == "reset":
                writer.transport.abort()
            elif step == "hang":
                await reader.read()
                self.gone.set()


@pytest.fixture
async def raw() -> AsyncIterator[Callable[..., Awaitable[Raw]]]:
    """Starts a scripted server: one list of steps a connection."""
    async with AsyncExitStack() as stack:

        async def start(*plays: Sequence[Step]) -> Raw:
            server = Raw(plays)
            listener = await asyncio.start_server(server.handle, "127.0.0.1", 0)
            await stack.enter_async_context(listener)
            server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
            return server

        yield start


@pytest.fixture
async def client() -> AsyncIterator[Callable[..., OpenAIModel]]:
    """Makes a client with short patience; settings by name."""
    made: list[OpenAIModel] = []

    def make(url: str, key: str | None = None, **settings: Any) -> OpenAIModel:
        patience = {"backoff_seconds": 0.001, "first_byte_seconds": 20.0, **settings}
        made.append(OpenAIModel(url, key, ClientSettings(**patience)))
        return made[-1]

    yield make
    for model in made:
        await model.close()


@pytest.fixture
def ask() -> Callable[..., CompletionRequest]:
    """Makes a request; `answer` names the schema."""

    def make(
        text: str = "Write f.",
        *,
        model: str = "simulated/m",
        answer: AnswerName | None = None,
        max_tokens: int = 1000,
        seed: int | None = None,
    ) -> CompletionRequest:
        shape = AnswerSchema(name=answer, schema=schema(answer)) if answer else None
        return CompletionRequest(
            model=model,
            messages=(Message(role="user", content=text),),
            max_tokens=max_tokens,
            seed=seed,
            answer=shape,
        )

    return make


@pytest.fixture
def get() -> Callable[[str], Awaitable[Any]]:
    """Fetches JSON."""

    async def fetch(url: str) -> Any:
        async with httpx.AsyncClient(trust_env=False) as http:
            return (await http.get(url)).json()

    return fetch


@pytest.fixture
def stream() -> Callable[..., bytes]:
    """Makes the bytes of a streamed answer, in pieces, with or without its end."""

    def make(
        *texts: str, finish: str | None = "stop", usage: tuple[int, int] | None = (7, 3),
        done: bool = True, head: bool = True,
    ) -> bytes:  # fmt: skip
        events: list[Any] = [
            {"choices": [{"index": 0, "delta": {"content": text}}]} for text in texts
        ]
        if finish:
            events.append({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
        if usage:
            counts = {"prompt_tokens": usage[0], "completion_tokens": usage[1]}
            events.append({"choices": [], "usage": counts})
        lines = b"".join(b"data: " + msgspec.json.encode(event) + b"\n\n" for event in events)
        begin = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
        return (begin if head else b"") + lines + (b"data: [DONE]\n\n" if done else b"")

    return make


@pytest.fixture
def status() -> Callable[..., bytes]:
    """Makes the bytes of a whole answer with a status."""

    def make(code: int, body: object = b"", *headers: str) -> bytes:
        data = body if isinstance(body, bytes) else msgspec.json.encode(body)
        lines = [
            f"HTTP/1.1 {code} Status",
            "Content-Type: application/json",
            f"Content-Length: {len(data)}",
            *headers,
        ]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + data

    return make
