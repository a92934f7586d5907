"""The door to every OpenAI-compatible endpoint: one streamed call whose end says what was billed.

Streaming makes cancellation real: closing the connection stops the server's generation. Each call
has a connection of its own, since a kept one that the server has just closed would make an
outcome unknown. What may have been charged is never retried. The environment is not read: no
proxy and no .netrc.
"""

import asyncio
import logging
import time
from dataclasses import dataclass

import httpx
import msgspec
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)

from hekaton_runtime.errors import BadInput
from hekaton_runtime.models.endpoint import ClientSettings, api_root, why_not_key
from hekaton_runtime.models.protocol import (
    BadRequest,
    Completion,
    CompletionRequest,
    NotBilled,
    OutcomeUnknown,
)
from hekaton_runtime.models.verdicts import (
    judged,
    pause_asked,
    phrase,
    refused_feature,
    remedy,
    server_words,
    worth_another_try,
)
from hekaton_runtime.models.wire import Dialect, Feature, Garbled, Reading, Reply, request_body

log = logging.getLogger(__name__)

ERROR_BODY = 65_536
"""Bytes read of a refusal."""
LIST_SECONDS = 10.0
"""For the list of models, once connected."""
SHOWN_MODELS = 12
"""Names in an error."""
_UNSENT = (
    httpx.ConnectError,  # refused, reset, no such host, TLS
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
)


class _Again(Exception):
    """Surely not billed and worth another try, after `pause` seconds if the server named them."""

    def __init__(self, why: str, remedy: str, pause: float = 0.0) -> None:
        super().__init__(why)
        self.remedy = remedy
        self.pause = pause


class _Unsupported(Exception):
    """The server refuses an optional part of the request."""

    def __init__(self, feature: Feature) -> None:
        super().__init__(feature)
        self.feature: Feature = feature


class _Models(msgspec.Struct, frozen=True):
    """What GET /models gives."""

    data: tuple["_Named", ...]


class _Named(msgspec.Struct, frozen=True):
    id: str


@dataclass(frozen=True, slots=True)
class _Refusal:
    """An answer that is no completion."""

    status: int
    said: str
    pause: float


class OpenAIModel:
    """A `Model` behind an OpenAI-compatible endpoint. The key is sent to it and shown to nobody."""

    def __init__(
        self, base_url: str, key: str | None = None, settings: ClientSettings | None = None
    ) -> None:
        self.root = api_root(base_url)
        if key and (reasons := why_not_key(key)):
            raise BadInput(reasons)
        self.settings = settings or ClientSettings()
        self.dialect = Dialect()
        self._key = key or ""
        self._slots = asyncio.Semaphore(self.settings.concurrency)
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(
                self.settings.first_byte_seconds, connect=self.settings.connect_seconds
            ),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
            trust_env=False,
            headers={
                "Accept-Encoding": "identity",
                **({"Authorization": f"Bearer {key}"} if key else {}),
            },
        )

    def __repr__(self) -> str:
        return f"OpenAIModel({self.root!r})"

    async def complete(self, request: CompletionRequest) -> Completion:
        """Ask once. Cancelling the task closes the connection. Raises `ModelError` alone."""
        while True:
            try:
                return await self._retried(request)
            except _Unsupported as fault:
                log.warning("%s does not take %s: left out from now on", self.root, fault.feature)
                self.dialect = self.dialect.without(fault.feature)

    async def list_models(self) -> tuple[str, ...]:
        """Name the models on offer, in the server's order; raises `NotBilled`, without retries."""
        url = f"{self.root}/models"
        whole = bytearray()
        limit = self.settings.connect_seconds + LIST_SECONDS
        try:
            async with asyncio.timeout(limit), self._client.stream("GET", url) as response:
                if response.status_code != 200:
                    refusal = await self._refusal(response)
                    raise self._bad(f"GET {url}", refusal, remedy(refusal.status))
                async for chunk in response.aiter_bytes():
                    whole += chunk
                    if len(whole) > self.settings.body_limit:
                        raise NotBilled(f"GET {url}: the list is too long; check the base URL.")
            return tuple(model.id for model in msgspec.json.decode(whole, type=_Models).data)
        except TimeoutError as fault:
            raise NotBilled(f"GET {url} took more than {limit:g} s; check the server.") from fault
        except (httpx.HTTPError, OSError) as fault:
            why = self._why(fault)
            raise NotBilled(f"GET {url} failed: {why}. Check the base URL and server.") from fault
        except (msgspec.DecodeError, UnicodeDecodeError) as fault:
            raise NotBilled(f"GET {url} gave no list of models; check the base URL.") from fault

    async def close(self) -> None:
        """Release connections; the model is not used afterwards."""
        await self._client.aclose()

    async def _retried(self, request: CompletionRequest) -> Completion:
        tries = AsyncRetrying(
            retry=retry_if_exception_type(_Again),
            stop=stop_after_attempt(self.settings.attempts),
            wait=self._pause,
            reraise=True,
        )
        try:
            return await tries(self._attempt, request)
        except _Again as fault:
            raise NotBilled(
                f"POST {self.root}/chat/completions: {fault} (after {self.settings.attempts} "
                f"tries; nothing was billed). {fault.remedy}"
            ) from fault.__cause__

    def _pause(self, state: RetryCallState) -> float:
        limit = self.settings.backoff_limit_seconds
        jitter = wait_random_exponential(multiplier=self.settings.backoff_seconds, max=limit)(state)
        fault = state.outcome.exception() if state.outcome else None
        asked = fault.pause if isinstance(fault, _Again) else 0.0
        return min(limit, asked + jitter)

    async def _attempt(self, request: CompletionRequest) -> Completion:
        dialect = self.dialect
        try:
            body = request_body(request, dialect)
        except UnicodeEncodeError as fault:
            why = f"A message holds text that is not valid Unicode ({fault.reason}); remove it."
            raise BadRequest(why) from None
        async with self._slots:
            began = time.monotonic()
            answer = await self._exchange(body, request.key)
        if isinstance(answer, Reply):
            return judged(answer, request, time.monotonic() - began)
        asked = request.answer is not None
        if feature := refused_feature(answer.status, answer.said, dialect, asked=asked):
            raise _Unsupported(feature)
        if worth_another_try(answer.status):
            why = f"{phrase(answer.status)}{_said(answer.said)}"
            raise _Again(why, remedy(answer.status), answer.pause)
        cure = await self._offer(request) if answer.status == 404 else remedy(answer.status)
        raise self._bad(f"POST {self.root}/chat/completions", answer, cure)

    async def _exchange(self, body: bytes, key: str) -> Reply | _Refusal:
        """Send once and read to the end."""
        url = f"{self.root}/chat/completions"
        try:
            async with asyncio.timeout(self.settings.total_seconds):
                return await self._stream(url, body, key)
        except _UNSENT as fault:
            cure = "Start the server, or check the base URL and the network."
            raise _Again(self._why(fault), cure) from fault
        except (httpx.HTTPError, OSError, TimeoutError, Garbled) as fault:
            raise OutcomeUnknown(
                f"POST {url} ended after the request was sent: {self._why(fault).rstrip('.')}. It may have"
                " been billed and stays charged at its reservation; look at the endpoint's own log."
            ) from fault

    async def _stream(self, url: str, body: bytes, key: str) -> Reply | _Refusal:
        headers = {"Content-Type": "application/json"}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        async with self._client.stream("POST", url, content=body, headers=headers) as response:
            if response.status_code != 200:
                return await self._refusal(response)
            whole = "application/json" in response.headers.get("content-type", "")
            reading = Reading(streamed=not whole, limit=self.settings.body_limit)
            async for chunk in response.aiter_bytes():
                reading.feed(chunk)
                if reading.done:
                    break
            return reading.reply()

    async def _refusal(self, response: httpx.Response) -> _Refusal:
        """Read what a refusal says, as far as it can be had."""
        body = bytearray()
        try:
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > ERROR_BODY:
                    break
        except httpx.HTTPError:
            log.debug("a refusal of %s broke off", self.root)
        pause = pause_asked(response.headers.get("retry-after"), time.time())
        said = server_words(bytes(body[:ERROR_BODY]), self._clean)
        return _Refusal(response.status_code, said, pause)

    async def _offer(self, request: CompletionRequest) -> str:
        """Say which models there are instead."""
        cure = f"Check the base URL and the model {request.model!r}"
        try:
            models = await self.list_models()
        except NotBilled:
            return f"{cure}; GET {self.root}/models gives no list."
        more = f" and {len(models) - SHOWN_MODELS} more" if len(models) > SHOWN_MODELS else ""
        return f"{cure}; on offer: {', '.join(models[:SHOWN_MODELS]) or 'none'}{more}."

    def _bad(self, call: str, refusal: _Refusal, cure: str) -> BadRequest:
        return BadRequest(f"{call}: {phrase(refusal.status)}{_said(refusal.said)}. {cure}")

    def _why(self, fault: Exception) -> str:
        if isinstance(fault, TimeoutError):
            return f"it took more than {self.settings.total_seconds:g} s in all"
        if isinstance(fault, httpx.ReadTimeout):
            return f"the server was silent for {self.settings.first_byte_seconds:g} s"
        if isinstance(fault, httpx.ConnectTimeout):
            return f"no connection within {self.settings.connect_seconds:g} s"
        return self._clean(str(fault)) or type(fault).__name__

    def _clean(self, text: str) -> str:
        return text.replace(self._key, "***") if self._key else text


def _said(words: str) -> str:
    return f": {words.rstrip('.')}" if words else ""
