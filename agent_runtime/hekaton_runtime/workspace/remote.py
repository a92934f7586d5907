"""A sandbox in another container: the conductor, which holds keys, runs nothing that models wrote."""

import asyncio
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import assert_never

from hekaton_runtime.errors import Unavailable
from hekaton_runtime.workspace.protocol import Execution, Limits, Lost
from hekaton_runtime.workspace.wire import (
    Answer,
    Cancel,
    Command,
    Done,
    Garbled,
    Refused,
    frame,
    peer_uid,
    read_answer,
)

PATIENCE = 60.0
"""Seconds for a workspace that is starting, or starting again."""
NAP = 0.25
MARGIN = 60.0
"""Seconds beyond a command's own time after which the workspace counts as lost."""
FAREWELL = 20.0
"""Seconds that a cancelled command has to end."""


class RemoteSandbox:
    """Asks `hekaton workspace` over its socket."""

    def __init__(self, socket: Path, patience: float = PATIENCE) -> None:
        self._socket = socket
        self._patience = patience

    async def run(self, command: str, folder: Path, limits: Limits) -> Execution:
        """See `Sandbox.run`; raises `Lost` when the workspace dies with the command."""
        reader, writer = await self._connected()
        asking = asyncio.create_task(_asked(reader, writer, command, folder, limits))
        try:
            async with asyncio.timeout(limits.seconds + MARGIN):
                answer = await asyncio.shield(asking)
        except (EOFError, ConnectionError, TimeoutError, Garbled) as fault:
            raise Lost(f"The workspace at {str(self._socket)!r} was lost: {fault!r}.") from fault
        except asyncio.CancelledError:
            await _ended(asking, writer)
            raise
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            writer.close()
        match answer:
            case Done(execution=execution):
                return execution
            case Refused(why=why):
                raise Unavailable(why)
            case _:
                assert_never(answer)

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        until = time.monotonic() + self._patience
        while True:
            try:
                reader, writer = await asyncio.open_unix_connection(self._socket)
                break
            except OSError as fault:
                if time.monotonic() >= until:
                    raise Unavailable(
                        f"No workspace answers at {str(self._socket)!r} ({fault.strerror});"
                        " look at the log of the container `workspace`."
                    ) from fault
                await asyncio.sleep(NAP)
        if (uid := peer_uid(writer)) != os.geteuid():
            writer.close()
            raise Unavailable(
                f"The socket {str(self._socket)!r} is answered by user {uid}, not us."
            )
        return reader, writer


async def _asked(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    command: str,
    folder: Path,
    limits: Limits,
) -> Answer:
    writer.write(frame(Command(command=command, folder=str(folder), limits=limits)))
    await writer.drain()
    return await read_answer(reader)


async def _ended(asking: "asyncio.Task[Answer]", writer: asyncio.StreamWriter) -> None:
    """Cancel the command and wait until it is gone, however often this is cancelled itself."""
    with suppress(ConnectionError):
        writer.write(frame(Cancel()))
    ending = asyncio.ensure_future(asyncio.wait({asking}, timeout=FAREWELL))
    while not ending.done():
        with suppress(asyncio.CancelledError):
            await asyncio.shield(ending)
