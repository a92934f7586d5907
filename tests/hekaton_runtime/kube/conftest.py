"""A small API server that keeps objects as they are sent, and a kubeconfig that leads to it."""

import asyncio
import base64
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from hekaton_runtime.kube.commands import Outside
from hekaton_runtime.web.serving import serving

TOKEN = "token-of-the-user"
CONFIG = """
apiVersion: v1
kind: Config
clusters: [{name: here, cluster: {server: URL}}]
users: [{name: me, user: {token: TOKEN}}]
contexts:
  - {name: first, context: {cluster: here, user: me, namespace: team}}
  - {name: second, context: {cluster: here, user: me}}
current-context: first
"""


@dataclass
class Api:
    """What is there, by path, and what was asked."""

    outside: Outside
    kubeconfig: Path
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    agents: set[str] = field(default_factory=set)
    refusal: tuple[int, str] | None = None
    log: str = "first line\nsecond line\n"

    def mission(self, name: str, *conditions: dict[str, str], **status: Any) -> None:
        self.objects[f"/apis/hekaton.dev/v1alpha1/namespaces/team/missions/{name}"] = {
            "apiVersion": "hekaton.dev/v1alpha1",
            "kind": "Mission",
            "metadata": {
                "name": name, "namespace": "team", "uid": "1", "managedFields": [],
                "creationTimestamp": f"2026-01-01T00:00:{len(self.objects):02d}Z",
            },
            "spec": {"goal": "Build it.", "formation": "f", "budget": {"tokens": 1000, "usd": 1}},
            "status": {"conditions": list(conditions), **status},
        }  # fmt: skip

    def put(self, path: str, **fields: Any) -> None:
        self.objects[path] = {"metadata": {"name": path.rpartition("/")[2]}, **fields}

    async def answer(self, request: Request) -> Response:
        path = request.url.path
        self.asked.append((request.method, path, request.headers.get("content-type", "")))
        self.agents.add(request.headers.get("user-agent", ""))
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return _status(401, "Unauthorized")
        if self.refusal:
            return _status(*self.refusal)
        if path.endswith("/log"):
            return PlainTextResponse(self.log)
        if request.method == "PATCH":
            return JSONResponse(self._patched(path, msgspec.json.decode(await request.body())))
        if path in self.objects:
            return JSONResponse(self.objects[path])
        if path.endswith(("/missions", "/pods")):
            found = [one for key, one in self.objects.items() if key.startswith(f"{path}/")]
            return JSONResponse({"items": found})
        return _status(404, f'missions.hekaton.dev "{path.rpartition("/")[2]}" not found')

    def _patched(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        there = self.objects.setdefault(path, {})
        there.update({**body, "spec": {**there.get("spec", {}), **body["spec"]}})
        if body["spec"].get("cancel"):
            told = {
                "type": "Cancelled",
                "status": "True",
                "reason": "Cancelled",
                "message": "By hand.",
            }
            there["status"]["conditions"] = [told]
        return there


def _status(code: int, message: str) -> Response:
    return JSONResponse({"kind": "Status", "message": message, "code": code}, code)


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    """In a thread of its own, since each command has a loop of its own."""
    file = tmp_path / "config"
    made = Api(Outside(kubeconfig=file), file)
    app = Starlette(routes=[Route("/{path:path}", made.answer, methods=["GET", "PATCH"])])
    up, stop = threading.Event(), []

    async def serve() -> None:
        ending = asyncio.Event()
        stop.append((asyncio.get_running_loop(), ending))
        async with serving(app) as url:
            file.write_text(CONFIG.replace("URL", url).replace("TOKEN", TOKEN))
            up.set()
            await ending.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert up.wait(30)
    yield made
    loop, ending = stop[0]
    loop.call_soon_threadsafe(ending.set)
    thread.join(30)


@pytest.fixture
def condition() -> Callable[..., dict[str, str]]:
    def make(kind: str, message: str = "", reason: str = "Because", status: str = "True") -> Any:
        return {"type": kind, "status": status, "reason": reason, "message": message}

    return make


@pytest.fixture
def encoded() -> Callable[[bytes], str]:
    return lambda content: base64.b64encode(content).decode()
