"""An OpenAI-compatible server that answers at once, always the same ballot: a model that takes no time.

It knows just enough HTTP for clients that keep their connections; SIMULATED, and a stand-in for none.
"""

import asyncio
import json

BALLOT = '{"choice":"A","reason":"SIMULATED"}'
USAGE = {"prompt_tokens": 50, "completion_tokens": 10, "total_tokens": 60}
FRAME = {"id": "i", "created": 0, "model": "instant", "usage": USAGE}


def message(words: bytes) -> bytes:
    """The whole answer to one request's body."""
    if b'"stream":true' in words.replace(b" ", b""):
        chunk = {
            "index": 0,
            "delta": {"role": "assistant", "content": BALLOT},
            "finish_reason": "stop",
        }
        said = json.dumps({**FRAME, "object": "chat.completion.chunk", "choices": [chunk]})
        body, kind = f"data: {said}\n\ndata: [DONE]\n\n".encode(), "text/event-stream"
    else:
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": BALLOT},
            "finish_reason": "stop",
        }
        body = json.dumps({**FRAME, "object": "chat.completion", "choices": [choice]}).encode()
        kind = "application/json"
    return (
        f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n".encode()
        + body
    )


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Requests of one connection, until it closes."""
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            lines = head.lower().split(b"\r\n")
            sizes = [line for line in lines if line.startswith(b"content-length:")]
            size = int(sizes[0].split(b":")[1]) if sizes else 0
            writer.write(message(await reader.readexactly(size)))
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main() -> None:
    server = await asyncio.start_server(answer, "127.0.0.1", 0, limit=2**20)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
