"""Reading answers: frames, chunks, and everything that is no completion."""

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hekaton_runtime.models.protocol import CompletionRequest
from hekaton_runtime.models.wire import Dialect, Frames, Garbled, Reading, request_body
from hekaton_runtime.results import Usage

Ask = Callable[..., CompletionRequest]
WHOLE = (
    b'{"model":"x","choices":[{"index":0,"message":{"content":"hi"},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":2,"completion_tokens":1}}'
)


@settings(deadline=None)
@given(st.lists(st.binary(max_size=20).map(lambda b: b.replace(b"\n", b"").replace(b"\r", b""))))
def test_frames_do_not_depend_on_how_bytes_arrive(datas: list[bytes]) -> None:
    sent = b": hello\n\n" + b"".join(b"data: " + data + b"\r\n\r\n" for data in datas)
    frames = Frames()
    one_by_one = [event for byte in sent for event in frames.feed(bytes([byte]))]
    assert one_by_one == Frames().feed(sent) == datas


def test_an_event_may_have_several_lines() -> None:
    assert Frames().feed(b"event: x\ndata:a\ndata: b\nid: 1\n\n") == [b"a\nb"]


def test_a_whole_completion_is_read_like_a_streamed_one() -> None:
    whole = Reading(streamed=False, limit=1000)
    whole.feed(WHOLE[:30])
    whole.feed(WHOLE[30:])
    streamed = Reading(streamed=True, limit=1000)
    streamed.feed(b"data: " + WHOLE.replace(b"message", b"delta") + b"\n\ndata: [DONE]\n\n")
    assert streamed.done
    assert whole.reply() == streamed.reply()
    assert whole.reply().usage == Usage(prompt_tokens=2, completion_tokens=1)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"{", "not a completion"),
        (b"[]", "not a completion"),
        (b'{"usage":{"prompt_tokens":-1}}', "not a completion"),
        (b'{"choices":[{"delta":{"content":7}}]}', "not a completion"),
        (b'{"choices":[{"delta":{"content":"\xff"}}]}', "not a completion"),
        (b'{"error":{"message":"out of memory"}}', "broke off.*out of memory"),
        (b'{"object":"error","message":"engine died"}', "broke off.*engine died"),
        (b'{"choices":[{"delta":{"content":"half"}}]}', "without a finish_reason"),
    ],
)
def test_what_is_no_completion_is_garbled(data: bytes, why: str) -> None:
    def read() -> None:
        reading = Reading(streamed=True, limit=1000)
        reading.feed(b"data: " + data + b"\n\ndata: [DONE]\n\n")
        reading.reply()

    with pytest.raises(Garbled, match=why):
        read()


def test_a_body_above_the_limit_is_garbled() -> None:
    reading = Reading(streamed=True, limit=10)
    reading.feed(b": 34567890")
    with pytest.raises(Garbled, match="longer than 10 bytes"):
        reading.feed(b"1")


def test_reasoning_is_counted_and_not_part_of_the_text() -> None:
    reading = Reading(streamed=True, limit=1000)
    reading.feed(b'data: {"choices":[{"delta":{"reasoning_content":"hm\\u00e4"}}]}\n\n')
    reading.feed(b'data: {"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}\n\n')
    reply = reading.reply()
    assert (reply.text, reply.unseen_bytes) == ("a", 4)


def test_only_the_first_choice_is_heard() -> None:
    reading = Reading(streamed=True, limit=1000)
    reading.feed(b'data: {"choices":[{"index":1,"delta":{"content":"b"}}]}\n\n')
    reading.feed(b'data: {"choices":[{"index":0,"finish_reason":"stop"}]}\n\n')
    assert reading.reply().text == ""


def test_a_dialect_leaves_out_what_a_server_does_not_take(ask: Ask) -> None:
    request = ask(answer="patch", seed=7)
    full = msgspec.json.decode(request_body(request, Dialect()))
    assert full["response_format"]["json_schema"]["name"] == "patch"
    assert full["response_format"]["json_schema"]["strict"] is True
    assert full["stream_options"] == {"include_usage": True}
    bare = Dialect().without("json_schema").without("stream_usage")
    rest = msgspec.json.decode(request_body(request, bare))
    assert full.keys() - rest.keys() == {"response_format", "stream_options"}
    assert rest["seed"] == 7
