"""The client against servers that misbehave on the socket: what is retried, and what never is."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from hekaton_runtime.models.openai import OpenAIModel
from hekaton_runtime.models.protocol import (
    BadRequest,
    Billed,
    CompletionRequest,
    NotBilled,
    OutcomeUnknown,
)
from hekaton_runtime.results import Usage

Ask = Callable[..., CompletionRequest]
Client = Callable[..., OpenAIModel]
Start = Callable[..., Awaitable[Any]]
Make = Callable[..., bytes]


async def test_a_stream_without_its_end_mark_is_whole_if_it_says_why_it_ended(
    raw: Start, client: Client, ask: Ask, stream: Make
) -> None:
    server = await raw([stream("he", "llo", done=False, usage=None)])
    done = await client(server.url).complete(ask())
    assert done.text == "hello"
    assert done.usage.estimated


async def test_a_server_that_does_not_stream_is_understood(
    raw: Start, client: Client, ask: Ask, status: Make
) -> None:
    message = {"message": {"content": "hi"}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 4, "completion_tokens": 1}
    server = await raw([status(200, {"choices": [message], "usage": usage})])
    done = await client(server.url).complete(ask())
    assert (done.text, done.usage) == ("hi", Usage(prompt_tokens=4, completion_tokens=1))


async def test_an_answer_without_content_is_charged(
    raw: Start, client: Client, ask: Ask, stream: Make
) -> None:
    server = await raw([stream()])
    with pytest.raises(Billed, match="no content") as caught:
        await client(server.url).complete(ask())
    assert caught.value.usage == Usage(prompt_tokens=7, completion_tokens=3)


async def test_a_stream_that_is_cut_is_never_asked_again(
    raw: Start, client: Client, ask: Ask, stream: Make
) -> None:
    server = await raw([stream("half", finish=None, usage=None, done=False)])
    with pytest.raises(OutcomeUnknown, match="without a finish_reason.*stays charged"):
        await client(server.url).complete(ask())
    assert len(server.heads) == 1


@pytest.mark.parametrize("answered", [False, True], ids=["before", "within"])
async def test_a_reset_after_the_request_is_never_asked_again(
    raw: Start, client: Client, ask: Ask, stream: Make, answered: bool
) -> None:
    begun = [stream("a", finish=None, usage=None, done=False)] if answered else []
    server = await raw([*begun, "reset"])
    with pytest.raises(OutcomeUnknown, match=r"http://127.*after the request was sent"):
        await client(server.url).complete(ask())
    assert len(server.heads) == 1


async def test_a_body_shorter_than_promised_is_unknown(
    raw: Start, client: Client, ask: Ask, status: Make
) -> None:
    server = await raw([status(200, {"choices": []})[:-3]])
    with pytest.raises(OutcomeUnknown):
        await client(server.url).complete(ask())


async def test_a_slow_drip_ends_at_the_total_time(raw: Start, client: Client, ask: Ask) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    server = await raw([head, *(step for _ in range(40) for step in (b": drip\n", 0.05))])
    with pytest.raises(OutcomeUnknown, match="more than 0.4 s in all"):
        await client(server.url, total_seconds=0.4).complete(ask())


async def test_an_endless_line_ends_at_the_limit(raw: Start, client: Client, ask: Ask) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: "
    server = await raw([head, *(b"x" * 65_536 for _ in range(40))])
    with pytest.raises(OutcomeUnknown, match="longer than 1000000 bytes"):
        await client(server.url, body_limit=1_000_000).complete(ask())


async def test_an_answer_that_is_no_http_is_unknown(raw: Start, client: Client, ask: Ask) -> None:
    server = await raw([b"SSH-2.0-OpenSSH_9.2\r\n"])
    with pytest.raises(OutcomeUnknown):
        await client(server.url).complete(ask())


async def test_cancelling_closes_the_connection_at_once(
    raw: Start, client: Client, ask: Ask, stream: Make
) -> None:
    server = await raw([stream("a", finish=None, usage=None, done=False), "hang"])
    call = asyncio.create_task(client(server.url).complete(ask()))
    while not server.bodies:
        await asyncio.sleep(0.005)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await asyncio.wait_for(server.gone.wait(), 5)


@pytest.mark.parametrize("code", [408, 429, 500, 502, 503, 504])
async def test_a_temporary_refusal_is_asked_again(
    raw: Start, client: Client, ask: Ask, stream: Make, status: Make, code: int
) -> None:
    server = await raw([status(code)], [status(code)], [stream("hi")])
    assert (await client(server.url).complete(ask())).text == "hi"
    assert len(server.heads) == 3


async def test_after_the_last_try_nothing_is_billed_and_the_remedy_named(
    raw: Start, client: Client, ask: Ask, status: Make
) -> None:
    server = await raw([status(503, {"error": {"message": "loading"}})])
    with pytest.raises(
        NotBilled, match=r"/v1/chat/completions: 503 .*: loading \(after 3 tries.*log"
    ):
        await client(server.url, attempts=3).complete(ask())
    assert len(server.heads) == 3


async def test_a_refusal_whose_body_breaks_off_is_still_a_refusal(
    raw: Start, client: Client, ask: Ask, stream: Make, status: Make
) -> None:
    server = await raw([status(503, b"x" * 500)[:-100]], [stream("hi")])
    assert (await client(server.url).complete(ask())).text == "hi"


async def test_retry_after_is_honoured_up_to_the_limit(
    raw: Start, client: Client, ask: Ask, stream: Make, status: Make
) -> None:
    server = await raw([status(429, b"", "Retry-After: 3600")], [stream("hi")])
    began = time.monotonic()
    await client(server.url, backoff_limit_seconds=0.3).complete(ask())
    assert time.monotonic() - began >= 0.3


async def test_nobody_at_the_address_is_not_billed(
    client: Client, ask: Ask, unused_tcp_port: int
) -> None:
    with pytest.raises(NotBilled, match="after 2 tries.*Start the server"):
        await client(f"http://127.0.0.1:{unused_tcp_port}", attempts=2).complete(ask())


async def test_a_failed_tls_handshake_is_not_billed(client: Client, ask: Ask) -> None:
    async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"no TLS here\r\n")
        writer.close()

    async with await asyncio.start_server(close, "127.0.0.1", 0) as listener:
        port = listener.sockets[0].getsockname()[1]
        with pytest.raises(NotBilled, match="after 1 tries"):
            await client(f"https://127.0.0.1:{port}", attempts=1).complete(ask())


@pytest.mark.parametrize(
    ("code", "cure"),
    [
        (400, "Change the request"),
        (401, "OPENAI_API_KEY"),
        (403, "Use a key"),
        (404, "gives no list"),
        (422, "Change the request"),
        (302, "redirects"),
    ],
)
async def test_a_refusal_for_good_is_told_once_with_the_key_hidden(
    raw: Start, client: Client, ask: Ask, status: Make, code: int, cure: str
) -> None:
    echo = {"error": {"message": f"key sk-abc/1 is bad {'x' * 9000}"}}
    server = await raw([status(code, echo)])
    with pytest.raises(BadRequest, match=cure) as caught:
        await client(server.url, "sk-abc/1").complete(ask())
    posts = [head for head in server.heads if head.startswith(b"POST")]
    assert len(posts) == 1
    assert b"Bearer sk-abc/1" in posts[0]
    assert "sk-abc" not in str(caught.value)
    assert f"{code}" in str(caught.value)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ("'response_format' is not supported", "response_format"),
        ("Unrecognized request argument: stream_options", "stream_options"),
    ],
)
async def test_what_a_server_does_not_take_is_left_out_from_then_on(
    raw: Start, client: Client, ask: Ask, stream: Make, status: Make, said: str, field: str
) -> None:
    refusal = status(400, {"error": {"message": said}})
    server = await raw([refusal], [stream("{}")])
    model = client(server.url)
    await model.complete(ask(answer="patch"))
    await model.complete(ask(answer="patch"))
    assert [field in body for body in server.bodies] == [True, False, False]


async def test_a_server_that_refuses_without_the_part_too_is_not_asked_for_ever(
    raw: Start, client: Client, ask: Ask, status: Make
) -> None:
    server = await raw([status(400, {"error": "no stream_options, no response_format"})])
    with pytest.raises(BadRequest):
        await client(server.url).complete(ask(answer="patch"))
    assert len(server.heads) == 3


async def test_text_that_is_not_unicode_is_never_sent(client: Client, ask: Ask) -> None:
    with pytest.raises(BadRequest, match="not valid Unicode"):
        await client("http://127.0.0.1:1").complete(ask("\ud800"))


async def test_calls_beyond_the_limit_wait(
    raw: Start, client: Client, ask: Ask, stream: Make
) -> None:
    server = await raw([0.05, stream("hi")])
    model = client(server.url, concurrency=2)
    await asyncio.gather(*(model.complete(ask()) for _ in range(6)))
    assert server.most_at_once <= 2


async def test_a_waiting_retry_holds_no_place(
    raw: Start, client: Client, ask: Ask, stream: Make, status: Make
) -> None:
    server = await raw([status(429, b"", "Retry-After: 30")], [stream("hi")])
    model = client(server.url, concurrency=1)
    first = asyncio.create_task(model.complete(ask()))
    while not server.bodies:
        await asyncio.sleep(0.005)
    await model.complete(ask())
    assert not first.done()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_the_answer_is_asked_for_uncompressed(
    raw: Start, client: Client, ask: Ask, stream: Make
) -> None:
    server = await raw([stream("hi")])
    await client(server.url, "sk-1").complete(ask())
    (head,) = server.heads
    assert head.startswith(b"POST /v1/chat/completions HTTP/1.1")
    assert b"accept-encoding: identity" in head.lower()
