"""The envelope: what was encoded comes back, and nothing else comes in."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hekaton_runtime.bus.messages import (
    MAX_BYTES,
    Answered,
    Beat,
    Bye,
    Cancel,
    Halt,
    Malformed,
    Report,
    ToBroker,
    decode_control,
    decode_from_broker,
    decode_to_broker,
    encode,
)
from hekaton_runtime.errors import BadInput
from hekaton_runtime.results import Usage

names = st.text(min_size=1, max_size=50)
messages = st.one_of(
    st.builds(Cancel, mission=names, order=names, reason=st.text(max_size=50)),
    st.builds(Halt, mission=names, reason=st.text(max_size=50)),
    st.builds(Beat, epoch=st.text(max_size=20)),
    st.just(Bye()),
)


@given(messages)
def test_a_message_survives_the_wire(message: ToBroker) -> None:
    assert decode_to_broker(encode(message)) == message


@given(st.binary(max_size=300))
def test_random_bytes_are_malformed_and_nothing_worse(frame: bytes) -> None:
    for decode in (decode_to_broker, decode_from_broker, decode_control):
        for candidate in (frame, b"\x01" + frame):
            try:
                message = decode(candidate)
            except Malformed:
                continue
            assert isinstance(message, msgspec.Struct)


@given(messages, st.data())
def test_a_damaged_message_is_read_whole_or_malformed(
    message: ToBroker, data: st.DataObject
) -> None:
    frame = bytearray(encode(message))
    place = data.draw(st.integers(0, len(frame) - 1))
    frame[place] = data.draw(st.integers(0, 255))
    try:
        read = decode_to_broker(bytes(frame))
    except Malformed:
        return
    assert isinstance(read, msgspec.Struct)


@given(messages, st.data())
def test_a_cut_message_is_malformed(message: ToBroker, data: st.DataObject) -> None:
    frame = encode(message)
    with pytest.raises(Malformed):
        decode_to_broker(frame[: data.draw(st.integers(0, len(frame) - 1))])


@pytest.mark.parametrize(
    ("frame", "flaw"),
    [
        (b"", "version"),
        (b"\x02" + encode(Bye())[1:], "version"),
        (b"\x01" + b"\x00" * MAX_BYTES, "oversized"),
        (b"\x01\x81\xa4type\xa3Eat", "malformed"),
        (b"\x01\x82\xa4type\xa4Beat\xa1z" + b"\x91" * 100_000, "malformed"),
        (b"\x01\x82\xa4type\xa4Beat\xa5epoch\xa2\xff\xfe", "malformed"),
        (b"\x01\xdd\xff\xff\xff\xff", "malformed"),
        (encode(Bye()) + b"x", "malformed"),
    ],
    ids=["empty", "version", "large", "unknown", "deep", "utf8", "huge array", "trailing"],
)
def test_a_bad_frame_says_how_it_is_bad(frame: bytes, flaw: str) -> None:
    with pytest.raises(Malformed) as caught:
        decode_to_broker(frame)
    assert caught.value.flaw == flaw


def test_a_message_above_the_limit_is_not_encoded() -> None:
    with pytest.raises(BadInput, match="carries up to"):
        encode(Halt(mission="m", reason="x" * MAX_BYTES))


def test_a_negative_usage_would_refund_and_is_refused() -> None:
    good = Report(
        session="s",
        mission="m",
        order="o",
        outcome=Answered(
            text="t",
            usage=Usage(prompt_tokens=12_345, completion_tokens=0),
            model="m",
            seconds=0.0,
            instance="",
        ),
    )
    body = msgspec.msgpack.decode(encode(good)[1:])
    body["outcome"]["usage"]["prompt_tokens"] = -1
    with pytest.raises(Malformed, match="negative"):
        decode_to_broker(b"\x01" + msgspec.msgpack.encode(body))
