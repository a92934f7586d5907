"""The simulated model server as an ASGI app: an OpenAI-compatible endpoint in front of the book.

The same models answer under /v1beta in the protocol of the Gemini API, as LiteLLM asks it.
"""

import time
from collections.abc import Callable
from itertools import count

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hekaton_runtime.models.simulated import gemini
from hekaton_runtime.models.simulated.asked import Asked, Malformed, understood
from hekaton_runtime.models.simulated.billing import Billing
from hekaton_runtime.models.simulated.faults import Fault
from hekaton_runtime.models.simulated.generate import LABEL, Impossible
from hekaton_runtime.models.simulated.performance import Part, Performance
from hekaton_runtime.models.simulated.script import script, spoiled
from hekaton_runtime.models.simulated.settings import SimulatedModel, SimulatedSettings
from hekaton_runtime.models.simulated.voices import OpenAI, Voice

HEADER = b"x-simulated"
REQUEST_LIMIT = 32 * 1024 * 1024
"""Bytes of a request body."""


def simulated_app(settings: SimulatedSettings) -> ASGIApp:
    """Make a server with a fresh billing account."""
    desk = _Desk(settings)
    return _Labelled(
        Starlette(
            routes=[
                Route("/v1/models", desk.models),
                Route("/v1/chat/completions", desk.chat, methods=["POST"]),
                Route("/v1beta/models/{called:path}", desk.generate, methods=["POST"]),
                Route("/billing", desk.bill),
                Route("/health", desk.health),
            ]
        )
    )


class _Labelled:
    """Puts the label on every answer, errors and unknown paths included."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def label(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", ()), (HEADER, LABEL.encode())]
                message = {**message, "headers": headers}
            await send(message)

        await self._app(scope, receive, label)


class _Desk:
    """Handles the requests of one server."""

    def __init__(self, settings: SimulatedSettings) -> None:
        self._settings = settings
        self._billing = Billing()
        self._numbers = count(1)
        self._born = int(time.time())

    async def models(self, request: Request) -> Response:
        if refusal := self._locked(request):
            return refusal
        models = [
            {"id": model.id, "object": "model", "created": self._born, "owned_by": LABEL}
            for model in self._settings.models
        ]
        return _json({"object": "list", "data": models})

    async def bill(self, request: Request) -> Response:
        return _json(self._billing.bill())

    async def health(self, request: Request) -> Response:
        return _json({"status": "ok", "simulated": LABEL})

    async def chat(self, request: Request) -> Response:
        if refusal := self._locked(request):
            return refusal
        number = next(self._numbers)
        try:
            asked = understood(await _body(request))
            model = self._model(asked.model)
            voice = OpenAI(_id(number), model.id, int(time.time()), asked.stream_usage)
            return self._answer(number, asked, model, voice)
        except _Refused as fault:
            return _error(fault.status, str(fault), fault.retry_after)
        except Malformed as fault:
            return _error(400, str(fault))

    async def generate(self, request: Request) -> Response:
        """The same for the Gemini API, whose path names model and method."""
        number, key = next(self._numbers), self._settings.key
        try:
            if key and request.headers.get("x-goog-api-key") != key:
                raise _Refused(401, "the key in x-goog-api-key is missing or wrong")
            asked = gemini.understood(await _body(request), request.path_params["called"])
            model = self._model(asked.model)
            return self._answer(number, asked, model, gemini.Gemini(_id(number), model.id))
        except _Refused as fault:
            return _error(fault.status, str(fault), fault.retry_after, gemini.refusal)
        except Malformed as fault:
            return _error(400, str(fault), written=gemini.refusal)

    def _model(self, name: str) -> SimulatedModel:
        found = self._settings.model(name)
        if found is None:
            known = ", ".join(model.id for model in self._settings.models)
            raise _Refused(404, f"The model {name!r} does not exist; known: {known}.")
        return found

    def _answer(self, number: int, asked: Asked, model: SimulatedModel, voice: Voice) -> Response:
        fault = self._settings.faults.at(number)
        _refuse(fault)
        try:
            said = spoiled(script(asked, model, self._settings), fault, asked)
        except Impossible as why:
            raise _Refused(400, f"response_format: no answer can be made: {why}") from why
        part = Part(
            request_id=_id(number),
            model=model.id,
            voice=voice,
            script=said,
            fault=fault,
            stream=asked.stream,
            seconds=model.seconds,
            seconds_per_token=model.seconds_per_token,
            chunk_tokens=self._settings.chunk_tokens,
        )
        return Performance(part, self._billing)

    def _locked(self, request: Request) -> Response | None:
        key = self._settings.key
        if not key or request.headers.get("authorization") == f"Bearer {key}":
            return None
        return _error(401, "the bearer token is missing or wrong")


class _Refused(Exception):
    """The request is answered with `status` and not billed."""

    def __init__(self, status: int, said: str, retry_after: float | None = None) -> None:
        self.status = status
        self.retry_after = retry_after
        super().__init__(said)


def _refuse(fault: Fault | None) -> None:
    if fault and fault.kind == "busy":
        raise _Refused(429, "too many requests", fault.retry_after)
    if fault and fault.kind == "error":
        raise _Refused(500, "a fault on purpose")


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > REQUEST_LIMIT:
            raise _Refused(413, f"the request is longer than {REQUEST_LIMIT} bytes")
    return bytes(body)


def _id(number: int) -> str:
    return f"simulated-{number}"


def _json(value: object) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")


def _openai(status: int, said: str) -> bytes:
    kind = "server_error" if status >= 500 else "invalid_request_error"
    error = {"message": f"{LABEL}: {said}", "type": kind, "code": status}
    return msgspec.json.encode({"error": error})


def _error(
    status: int,
    said: str,
    retry_after: float | None = None,
    written: Callable[[int, str], bytes] = _openai,
) -> Response:
    headers = {} if retry_after is None else {"retry-after": f"{retry_after:g}"}
    return Response(written(status, said), status, headers, media_type="application/json")
