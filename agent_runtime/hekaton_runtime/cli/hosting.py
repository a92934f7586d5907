"""`hekaton workspace`: commands of missions, in a container that holds nothing worth stealing."""

import asyncio
from pathlib import Path

from hekaton_runtime.cli.serving import stopping
from hekaton_runtime.workspace.host import hosting
from hekaton_runtime.workspace.sandbox import LandlockSandbox


def serve_workspace(socket: Path, root: Path) -> int:
    """Until SIGTERM or Ctrl-C; raises `BadInput`."""
    return asyncio.run(_serve(socket, root))


async def _serve(socket: Path, root: Path) -> int:
    stop = stopping()
    async with hosting(socket, root, LandlockSandbox()):
        print(f"workspace: {socket} for folders below {root}", flush=True)
        await stop.wait()
    return 0
