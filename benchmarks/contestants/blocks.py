"""A contestant's side of a benchmark: a process that measures a block whenever it is told to.

One JSON object a line comes in, one goes out. Contestants run in interpreters of their own, so that
no library weighs on another's figures; this file needs the standard library alone.
"""

import asyncio
import base64
import json
import random
import sys
from collections.abc import Awaitable, Callable
from typing import Any

Asked = dict[str, Any]


def text(size: int) -> str:
    """So many characters that no database can press together."""
    return base64.b64encode(random.Random(size).randbytes(size)).decode()[:size]


def serve(work: Callable[[Asked], Asked]) -> None:
    """Answer blocks until the input ends. Standard output belongs to the answers."""
    said, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        print(json.dumps(work(json.loads(line))), file=said, flush=True)


async def serve_async(work: Callable[[Asked], Awaitable[Asked]]) -> None:
    """The same inside a running loop, which goes on between two blocks: heartbeats are sent."""
    said, sys.stdout = sys.stdout, sys.stderr
    while line := await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(await work(json.loads(line))), file=said, flush=True)
