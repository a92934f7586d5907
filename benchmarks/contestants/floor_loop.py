"""The model alone: the same request over a bare asyncio connection, the answer read and thrown away."""

import asyncio
import json
import sys
from urllib.parse import urlsplit

from blocks import Asked, serve_async
from loops import PROMPT, timed

BODY = json.dumps({"model": "instant", "messages": [{"role": "user", "content": PROMPT}]}).encode()
REQUEST = b"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % len(BODY) + BODY


async def main(url: str) -> None:
    place = urlsplit(url)

    async def block(asked: Asked) -> Asked:
        links = [
            await asyncio.open_connection(place.hostname, place.port)
            for _ in range(asked["at_once"])
        ]

        async def call(number: int) -> None:
            reader, writer = links[number]
            writer.write(REQUEST)
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(head.split(b"content-length: ")[1].split(b"\r\n")[0]))

        found = await timed(asked, call)
        for _, writer in links:
            writer.close()
        return found

    await serve_async(block)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
