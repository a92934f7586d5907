"""Runs an ASGI app inside the running loop, on a socket of its own."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn
from starlette.types import ASGIApp

from hekaton_runtime.errors import BadInput

GRACE = 1
"""Whole seconds that calls under way get when the server closes."""


class _Server(uvicorn.Server):
    """Leaves the process's signals alone and says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listens.set()


@contextlib.asynccontextmanager
async def serving(app: ASGIApp, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serve within the block and give the base URL, without a path.

    Raises `BadInput` if the address cannot be had.
    """
    with _bound(host, port) as listener:
        number = listener.getsockname()[1]
        server = _Server(
            uvicorn.Config(
                app,
                loop="none",
                http="h11",
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="critical",
                access_log=False,
                timeout_graceful_shutdown=GRACE,
            )
        )
        running = asyncio.create_task(server.serve(sockets=[listener]))
        listens = asyncio.create_task(server.listens.wait())
        try:
            await asyncio.wait((running, listens), return_when=asyncio.FIRST_COMPLETED)
            yield f"http://{f'[{host}]' if ':' in host else host}:{number}"
        finally:
            listens.cancel()
            server.should_exit = True
            await running


def split_address(address: str) -> tuple[str, int]:
    """HOST:PORT as a host and a port; raises `BadInput`."""
    host, sign, port = address.rpartition(":")
    if not sign or not host or not port.isdigit() or int(port) > 65535:
        raise BadInput([f"--listen: {address!r} is not HOST:PORT, e.g. 127.0.0.1:8080."])
    return host.strip("[]"), int(port)


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, OverflowError) as fault:
        listener.close()
        why = f"{host}:{port} cannot be listened on ({fault}); give a free port, or 0 for any."
        raise BadInput([why]) from fault
    return listener
