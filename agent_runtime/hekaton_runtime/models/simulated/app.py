"""The simulated model server as an ASGI app: an OpenAI-compatible endpoint in front of the book."""

import time
from itertools import count

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hekaton_runtime.models.simulated.asked import Asked, Malformed, understood
from hekaton_runtime.models.simulated.billing import Billing
from hekaton_runtime.models.simulated.faults import Fault
from hekaton_runtime.models.simulated.generate import LABEL, Impossible
from hekaton_runtime.models.simulated.performance import Part, Performance
from hekaton_runtime.models.simulated.script import script, spoiled
from hekaton_runtime.models.simulated.settings import SimulatedModel, SimulatedSettings

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
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > REQUEST_LIMIT:
                return _error(413, f"the request is longer than {REQUEST_LIMIT} bytes")
        try:
            asked = understood(bytes(body))
        except Malformed as fault:
            return _error(400, str(fault))
        model = self._settings.model(asked.model)
        if model is None:
            known = ", ".join(model.id for model in self._settings.models)
            return _error(404, f"The model {asked.model!r} does not exist; known: {known}.")
        return self._answer(number, asked, model)

    def _answer(self, number: int, asked: Asked, model: SimulatedModel) -> Response:
        fault = self._settings.faults.at(number)
        if refusal := _refusal(fault):
            return refusal
        try:
            said = spoiled(script(asked, model, self._settings), fault, asked)
        except Impossible as why:
            return _error(400, f"response_format: no answer can be made: {why}")
        part = Part(
            request_id=f"simulated-{number}",
            model=model.id,
            created=int(time.time()),
            script=said,
            fault=fault,
            stream=asked.stream,
            stream_usage=asked.stream_usage,
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


def _refusal(fault: Fault | None) -> Response | None:
    if fault is None:
        return None
    if fault.kind == "busy":
        answer = _error(429, "too many requests")
        answer.headers["retry-after"] = f"{fault.retry_after:g}"
        return answer
    return _error(500, "a fault on purpose") if fault.kind == "error" else None


def _json(value: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def _error(status: int, said: str) -> Response:
    kind = "server_error" if status >= 500 else "invalid_request_error"
    error = {"message": f"{LABEL}: {said}", "type": kind, "code": status}
    return _json({"error": error}, status)
