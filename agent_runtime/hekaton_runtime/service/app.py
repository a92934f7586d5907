"""The one door to FastAPI: the routes of the HMA service and what they say in OpenAPI."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import FastAPI, Header, Path, Query, Request, Response, Security
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.security import APIKeyHeader, HTTPBearer
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from hekaton_api.version import __version__
from hekaton_runtime.errors import BadInput, HekatonError, Unavailable
from hekaton_runtime.service.desk import Clash, Client, Desk, Full, Paper, Papers, Unknown, View
from hekaton_runtime.service.figures import Figures
from hekaton_runtime.service.gate import Gate
from hekaton_runtime.service.keys import Keys
from hekaton_runtime.service.rates import Rates
from hekaton_runtime.service.reasons import reason
from hekaton_runtime.service.stream import Streams, place
from hekaton_runtime.service.wire import Fault, Task
from hekaton_runtime.web.health import WhyNotReady, routes

MISSION = r"^[a-z0-9][a-z0-9-]{0,62}$"
Mission = Annotated[str, Path(pattern=MISSION, description="A mission's id.")]
Before = Annotated[
    str, Query(pattern=rf"^$|{MISSION}", description="Those that are older than this mission.")
]
Limit = Annotated[int, Query(ge=1, le=500, description="How many at most.")]
Word = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key", pattern=r"^[!-~]{1,200}$",
        description="Any text of yours: the same task sent again with it makes no second mission.",
    ),
]  # fmt: skip
LastEvent = Annotated[
    str,
    Header(
        alias="Last-Event-ID", pattern=r"^$|^[0-9]{1,18}(\.end)?$",
        description="Id of the last event received: the stream goes on behind it.",
    ),
]  # fmt: skip
RETRY = "30"
"""Seconds after which a full queue, or a database that was away, may be asked again."""
SAID = {
    400: "Not a request.", 401: "No valid API key.", 403: "Not from this machine, and no keys are set.",
    404: "No such mission of yours.", 408: "The body came too slowly.", 409: "Not as the mission stands.",
    413: "Too large.", 422: "Not usable: every reason at once.", 429: "Too often, or the queue is full: see Retry-After.",
    503: "Something is away: see Retry-After.",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class House:
    """Everything that the app is made of."""

    desk: Desk
    papers: Papers
    keys: Keys
    rates: Rates
    figures: Figures
    why_not: WhyNotReady


def application(house: House) -> ASGIApp:
    """The whole service."""
    bearer = HTTPBearer(auto_error=False)
    header = APIKeyHeader(name="X-API-Key", auto_error=False)
    app = FastAPI(
        title="Hekaton", version=__version__, summary="Tasks for teams of models, under an exact budget.",
        docs_url=None, redoc_url=None, redirect_slashes=False,
        dependencies=[Security(bearer), Security(header)] if house.keys else [],
        responses={code: {"model": Fault, "description": said} for code, said in SAID.items()},
    )  # fmt: skip
    _faults(app)
    _missions(app, house.desk, house.figures)
    _following(app, house.desk, house.papers)
    app.router.routes.extend(routes(house.why_not, house.figures.registry))
    return Gate(app, house.keys, house.rates, house.figures)


def _missions(app: FastAPI, desk: Desk, figures: Figures) -> None:
    @app.post("/submit", status_code=202)
    async def submit(request: Request, response: Response, task: Task, word: Word = None) -> View:
        """Take a task in: it is kept for good when this answers, and worked in its turn."""
        try:
            view = await desk.submit(_client(request), task.submission(word))
        except Full:
            figures.submitted("full")
            raise
        figures.submitted("queued")
        response.headers["Location"] = view.links.self
        return view

    @app.get("/missions")
    async def missions(
        request: Request, limit: Limit = 50, before: Before = ""
    ) -> tuple[View, ...]:
        """Your missions, the newest first."""
        return await desk.listed(_client(request), limit, before)

    @app.get("/missions/{mission}")
    async def mission(request: Request, mission: Mission) -> View:
        """How a mission stands."""
        return await desk.view(_client(request), mission)

    @app.post("/missions/{mission}/cancel", status_code=202)
    async def cancel(request: Request, mission: Mission) -> View:
        """Stop a mission for good; calls in flight are cancelled, nothing more is spent."""
        return await desk.cancel(_client(request), mission)


def _following(app: FastAPI, desk: Desk, papers: Papers) -> None:
    streams = Streams()
    text = {"schema": {"type": "string"}}
    plain: dict[int | str, dict[str, Any]] = {200: {"content": {"text/plain": text}}}
    stream: dict[int | str, dict[str, Any]] = {
        200: {"content": {"text/event-stream": text}},
        204: {"description": "The mission has ended, and you have had everything."},
    }

    @app.get("/missions/{mission}/events", response_class=StreamingResponse, responses=stream)
    async def events(request: Request, mission: Mission, last: LastEvent = "") -> Response:
        """Follow a mission: its journal line by line, and how it stands at each change."""
        client, after = _client(request), place(last)
        view = await desk.view(client, mission)
        if after is None and view.final:
            return Response(status_code=204)
        if streams.full:
            raise HTTPException(503, "Too many follow missions already.", {"Retry-After": RETRY})
        told = streams.told(desk.events(client, mission, after or 0))
        return StreamingResponse(
            told, media_type="text/event-stream", headers={"Cache-Control": "no-store"}
        )

    def paper(name: Paper) -> None:
        path = f"/missions/{{mission}}/{name}"

        @app.get(path, response_class=Response, responses=plain, name=name)
        async def read(request: Request, mission: Mission) -> Response:
            """What the mission left."""
            content = await papers.paper(_client(request), mission, name)
            return Response(content, media_type="text/plain; charset=utf-8")

    paper("sitrep")
    paper("artifact")


def _client(request: Request) -> Client:
    return Client(request.state.client)


def _faults(app: FastAPI) -> None:
    """Every error in one form, with every reason."""
    statuses = {Unknown: 404, Clash: 409, BadInput: 422, Full: 429, Unavailable: 503}

    def on(kind: type[HekatonError], status: int) -> None:
        async def handle(request: Request, fault: Exception) -> Response:
            reasons = fault.reasons if isinstance(fault, BadInput) else (str(fault),)
            return _said(status, reasons, {"Retry-After": RETRY} if status in (429, 503) else {})

        app.add_exception_handler(kind, handle)

    for kind, status in statuses.items():
        on(kind, status)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, fault: RequestValidationError) -> Response:
        return _said(422, tuple(map(reason, fault.errors())), {})

    @app.exception_handler(HTTPException)
    async def http(request: Request, fault: HTTPException) -> Response:
        return _said(fault.status_code, (fault.detail,), dict(fault.headers or {}))


def _said(status: int, reasons: tuple[str, ...], headers: dict[str, str]) -> Response:
    return JSONResponse({"reasons": reasons}, status, headers)
