"""The door to providers' own APIs, by LiteLLM: imported on the first call that needs it, since it is
large, and never in the two releases that were tampered with.

Its answers become what OpenAI's protocol looks like, so that nobody else has to know the difference.
"""

import asyncio
import importlib
import importlib.metadata
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from hekaton_runtime.router.asked import Asked
from hekaton_runtime.router.relay import STREAM, error_body
from hekaton_runtime.router.routes import Route
from hekaton_runtime.router.upstream import Answered, Broken, Unsent

Complete = Callable[..., Awaitable[Any]]
"""`litellm.acompletion`, or what stands in for it."""
TAMPERED = ("1.82.7", "1.82.8")
OLDEST = (1, 83)
PATIENCE = 600.0
"""Seconds for one call."""
UNKNOWN = frozenset({"APIConnectionError", "Timeout"})
"""LiteLLM's errors, bare or within another, that do not tell whether the call was billed."""
REFUSALS = range(400, 600)


def load() -> Complete:
    """Import LiteLLM; raises `Unsent` where it is absent or must not be used."""
    if why := why_not_here():
        raise Unsent(why)
    # Else its import waits for a list of prices from the network, which we have no use for.
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    litellm: Any = importlib.import_module("litellm")
    litellm.telemetry = False
    litellm.suppress_debug_info = True
    complete: Complete = litellm.acompletion
    return complete


def why_not_here(version: Callable[[str], str] = importlib.metadata.version) -> str:
    """Why this installation cannot ask providers, without importing anything; empty when it can."""
    try:
        return why_not_version(version("litellm"))
    except ModuleNotFoundError:  # PackageNotFoundError is one
        return "LiteLLM is not installed: pip install 'hekaton[router]'."


def why_not_version(version: str) -> str:
    """Why a release of LiteLLM must not be used; empty when it may."""
    if version in TAMPERED:
        return f"LiteLLM {version} was tampered with: install 1.83 or newer, and change your keys."
    numbers = tuple(int(one) for one in re.findall(r"\d+", version)[:2])
    return "" if numbers >= OLDEST else f"LiteLLM {version} is too old: install 1.83 or newer."


class ProviderUpstream:
    """Models with engine `api`."""

    def __init__(self, loader: Callable[[], Complete] = load) -> None:
        self._loader = loader
        self._complete: Complete | None = None
        self._loading = asyncio.Lock()

    @asynccontextmanager
    async def send(self, route: Route, asked: Asked) -> AsyncIterator[Answered]:
        complete = await self._loaded()
        fields = {
            name: msgspec.json.decode(raw) for name, raw in asked.fields.items() if name != "model"
        }
        try:
            answer = await complete(
                **fields, model=route.served, api_base=route.root or None, api_key=route.key or None,
                num_retries=0, max_retries=0, drop_params=True, timeout=PATIENCE,
            )  # fmt: skip
            chunks = answer if asked.stream else _once(answer)
            first = await anext(chunks, None)  # some providers' refusals come no earlier
        # Every provider has errors of its own, and what they have in common is `status_code`.
        except Exception as fault:
            yield _refused(fault, route)
            return
        kind = STREAM if asked.stream else "application/json"
        yield Answered(200, kind, "", _written(first, chunks, route, stream=asked.stream))

    async def warm(self) -> None:
        """Load LiteLLM now, so that no call waits for it; raises `Unsent`."""
        await self._loaded()

    async def close(self) -> None:
        """LiteLLM keeps its connections to itself."""

    async def _loaded(self) -> Complete:
        async with self._loading:
            if self._complete is None:
                self._complete = await asyncio.to_thread(self._loader)
            return self._complete


async def _once(answer: Any) -> AsyncIterator[Any]:
    yield answer


async def _written(
    first: Any, rest: AsyncIterator[Any], route: Route, *, stream: bool
) -> AsyncIterator[bytes]:
    """Chunks as server-sent events, or the one whole answer."""
    before, after = (b"data: ", b"\n\n") if stream else (b"", b"")
    try:
        if first is not None:
            yield before + _json(first) + after
        async for chunk in rest:
            yield before + _json(chunk) + after
    except Exception as fault:  # as above; and whatever it is, the call may have been billed
        raise Broken(f"{route.served} broke off: {_words(fault, route)}") from fault
    if stream:
        yield b"data: [DONE]\n\n"


def _json(chunk: Any) -> bytes:
    text: str = chunk.model_dump_json(exclude_none=True)
    return text.encode()


def _refused(fault: Exception, route: Route) -> Answered:
    """What the provider said instead of an answer; raises `Broken` where nobody knows."""
    status = getattr(fault, "status_code", None)
    causes = {type(one).__name__ for one in (fault, getattr(fault, "original_exception", None))}
    if not isinstance(status, int) or status not in REFUSALS or causes & UNKNOWN:
        raise Broken(f"{route.served} broke off: {_words(fault, route)}") from fault
    body = _body(error_body(status, _words(fault, route)))
    return Answered(status, "application/json", "", body)


async def _body(body: bytes) -> AsyncIterator[bytes]:
    yield body


def _words(fault: Exception, route: Route) -> str:
    text = " ".join(f"{type(fault).__name__}: {fault}".split())[:500]
    return text.replace(route.key, "***") if route.key else text
