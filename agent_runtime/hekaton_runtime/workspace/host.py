"""The workspace container's side: runs the commands that a conductor asks for, each in the sandbox.

It has no credentials, no database and no network, so a command that breaks out of the sandbox finds
nothing. Only processes of its own user may ask, and only for folders below one root.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from hekaton_runtime.errors import BadInput, Unavailable
from hekaton_runtime.workspace.protocol import Execution, Sandbox
from hekaton_runtime.workspace.wire import (
    Answer,
    Command,
    Done,
    Garbled,
    Refused,
    frame,
    peer_uid,
    read_said,
)

log = logging.getLogger(__name__)

CANCELLED = Execution(-9, "", 0.0, ("cancelled",))


class Host:
    """Answers on one socket."""

    def __init__(self, root: Path, sandbox: Sandbox, uid: int) -> None:
        self._uid = uid
        self._root = Path(os.path.realpath(root))
        self._sandbox = sandbox

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: one command."""
        try:
            if (uid := peer_uid(writer)) != self._uid:
                log.warning("a process of user %d asked for a command and was turned away", uid)
                return
            said = await read_said(reader)
            answer = await self._answer(said, reader) if isinstance(said, Command) else None
            if answer is not None:
                writer.write(frame(answer))
                await writer.drain()
        except (Garbled, EOFError, ConnectionError) as fault:
            log.warning("a connection ended early: %s", fault)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _answer(self, said: Command, reader: asyncio.StreamReader) -> Answer:
        if why := self._why_not(said.folder):
            return Refused(why=why)
        run = asyncio.create_task(self._sandbox.run(said.command, Path(said.folder), said.limits))
        over = asyncio.create_task(_over(reader))
        try:
            await asyncio.wait({run, over}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            over.cancel()
            run.cancel()
            await asyncio.gather(run, over, return_exceptions=True)
        if run.cancelled():
            return Done(execution=CANCELLED)
        try:
            return Done(execution=run.result())
        except Unavailable as fault:
            return Refused(why=str(fault))

    def _why_not(self, folder: str) -> str:
        real = Path(os.path.realpath(folder))
        if real.is_relative_to(self._root) and real != self._root:
            return ""
        return f"The folder {folder!r} does not lie below {str(self._root)!r}."


async def _over(reader: asyncio.StreamReader) -> None:
    """Until the conductor says `Cancel`, anything else, or nothing any more."""
    with suppress(Garbled, EOFError, ConnectionError):
        await read_said(reader)


@asynccontextmanager
async def hosting(
    path: Path, root: Path, sandbox: Sandbox, uid: int | None = None
) -> AsyncIterator[None]:
    """Listen within the block; `uid` may ask, None: we ourselves.

    Raises `BadInput` for a socket or root that cannot be used.
    """
    if not root.is_dir():
        raise BadInput([f"--root: {str(root)!r} is no folder. Give the one the conductor shares."])
    if len(os.fsencode(path)) > 107:  # sun_path on Linux, less its end
        raise BadInput([f"--socket: {str(path)!r} is longer than 107 bytes; choose a shorter one."])
    host = Host(root, sandbox, os.geteuid() if uid is None else uid)
    path.unlink(missing_ok=True)  # of one that ended before
    before = os.umask(0o177)
    try:
        server = await asyncio.start_unix_server(host.answer, path)
    except OSError as fault:
        raise BadInput(
            [f"--socket: {str(path)!r}: {fault.strerror}. Give another path."]
        ) from fault
    finally:
        os.umask(before)
    try:
        yield
    finally:
        server.close()
        path.unlink(missing_ok=True)
