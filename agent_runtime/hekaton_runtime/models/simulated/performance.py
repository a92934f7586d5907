"""Plays an answer to a client: in chunks, at the model's pace, with a fault if there is one.

It listens while it speaks: a client that goes away stops the generation, and pays for the prompt
and for what was generated until then.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from hekaton_runtime.models.simulated.billing import BilledCall, Billing, Ending
from hekaton_runtime.models.simulated.faults import Fault
from hekaton_runtime.models.simulated.generate import LABEL
from hekaton_runtime.models.simulated.script import Script
from hekaton_runtime.models.simulated.voices import Counted, Voice

PADDING = b": " + LABEL.encode() * 7281 + b"\n"
"""A comment line of 64 KiB: bytes that are no tokens."""
GARBAGE = b'data: {"SIMULATED garbage\n\n'


@dataclass(frozen=True, slots=True)
class Part:
    """Who says what, and how."""

    request_id: str
    model: str
    voice: Voice
    script: Script
    fault: Fault | None
    stream: bool
    seconds: float
    seconds_per_token: float
    chunk_tokens: int


class Performance(Response):
    """The ASGI response of one request."""

    def __init__(self, part: Part, billing: Billing) -> None:
        super().__init__()
        self._part = part
        self._billing = billing
        self._generated = 0
        self._billed = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        play = asyncio.create_task(self._play(send))
        gone = asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait((play, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            play.cancel()
            gone.cancel()
            ends = await asyncio.gather(play, gone, return_exceptions=True)
            self._bill("disconnected")
        if isinstance(ends[0], Exception):
            raise ends[0]

    def _bill(self, ending: Ending) -> None:
        """Charge once, before the client can know that the answer is whole."""
        if self._billed:
            return
        self._billed = True
        call = BilledCall(
            request_id=self._part.request_id,
            model=self._part.model,
            prompt_tokens=self._part.script.prompt_tokens,
            completion_tokens=self._generated,
            ending=ending,
        )
        self._billing.add(call)

    async def _play(self, send: Send) -> None:
        kind = self._part.fault.kind if self._part.fault else None
        if kind == "hang":
            await asyncio.Event().wait()
        await asyncio.sleep(self._part.seconds)
        if kind == "huge":
            await self._pad(send)
        elif kind == "garbage":
            async for _ in self._chunks():
                pass
            self._bill("fault")
            await _start(send, stream=True)
            await _body(send, GARBAGE, more=False)
        elif self._part.stream:
            await self._stream(send, cut=kind == "cut")
        else:
            await self._whole(send, cut=kind == "cut")

    async def _chunks(self) -> AsyncIterator[str]:
        """Generate at the model's pace; what was generated is counted before it is sent."""
        pieces = self._part.script.pieces
        for at in range(0, len(pieces), self._part.chunk_tokens):
            chunk = pieces[at : at + self._part.chunk_tokens]
            await asyncio.sleep(len(chunk) * self._part.seconds_per_token)
            self._generated += len(chunk)
            yield "".join(chunk)

    async def _stream(self, send: Send, *, cut: bool) -> None:
        voice, script = self._part.voice, self._part.script
        await _start(send, stream=True)
        await _body(send, voice.opening())
        async for text in self._chunks():
            await _body(send, voice.piece(text))
            if cut and self._generated >= len(script.pieces) // 2:
                self._bill("fault")
                return
        self._bill(script.finish)
        await _body(send, voice.closing(script.finish, self._counted()), more=False)

    async def _whole(self, send: Send, *, cut: bool) -> None:
        text = "".join([chunk async for chunk in self._chunks()])
        finish = self._part.script.finish
        body = self._part.voice.whole(text, finish, self._counted())
        self._bill("fault" if cut else finish)
        await _start(send, stream=False, length=len(body))
        await _body(send, body[: len(body) // 2] if cut else body, more=cut)

    def _counted(self) -> Counted | None:
        script = self._part.script
        return Counted(script.prompt_tokens, self._generated) if script.counted else None

    async def _pad(self, send: Send) -> None:
        size = self._part.fault.size if self._part.fault else 0
        await _start(send, stream=True)
        for _ in range(size // len(PADDING) + 1):
            await _body(send, PADDING)
            await asyncio.sleep(0)
        self._bill("fault")
        await _body(send, b"", more=False)


async def _start(send: Send, *, stream: bool, length: int | None = None) -> None:
    kind = b"text/event-stream" if stream else b"application/json"
    headers = [(b"content-type", kind)]
    if length is not None:
        headers.append((b"content-length", str(length).encode()))
    await send({"type": "http.response.start", "status": 200, "headers": headers})


async def _body(send: Send, body: bytes, *, more: bool = True) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": more})


async def _gone(receive: Receive) -> None:
    """Return when the client has closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass
