"""A permit says exactly what was signed, and nobody without the key can make or widen one."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hekaton_runtime.permits.permit import Claims, Refused, read, sign, why_not

KEY = bytes(range(32))
WORDS = st.text(min_size=1, max_size=40).filter(lambda text: text.isprintable())
CLAIMS = st.builds(
    Claims,
    mission=WORDS,
    call=WORDS,
    role=WORDS,
    model=WORDS,
    max_tokens=st.integers(1, 2**31),
    expires=st.integers(1, 2**40),
)
ONE = Claims(mission="m", call="/1#1.1", role="sapper", model="big", max_tokens=100, expires=1000)


@given(claims=CLAIMS, key=st.binary(min_size=32, max_size=64))
def test_what_was_signed_is_what_is_read(claims: Claims, key: bytes) -> None:
    assert read(sign(claims, key), key, now=claims.expires - 1) == claims


@given(claims=CLAIMS, at=st.integers(0, 10_000), sign_=st.characters(codec="ascii"))
def test_a_permit_with_one_character_changed_is_refused(
    claims: Claims, at: int, sign_: str
) -> None:
    permit = sign(claims, KEY)
    at %= len(permit)
    changed = permit[:at] + sign_ + permit[at + 1 :]
    if changed == permit:
        return
    with pytest.raises(Refused) as refusal:
        read(changed, KEY, now=0)
    assert refusal.value.status in (401, 503)


@given(text=st.text(max_size=300))
def test_no_text_passes_for_a_permit(text: str) -> None:
    with pytest.raises(Refused):
        read(text, KEY, now=0)


@given(claims=CLAIMS, other=st.binary(min_size=32, max_size=32).filter(lambda key: key != KEY))
def test_a_permit_of_another_key_is_refused(claims: Claims, other: bytes) -> None:
    with pytest.raises(Refused):
        read(sign(claims, other), KEY, now=0)


def test_a_permit_is_refused_from_the_second_it_expires() -> None:
    assert read(sign(ONE, KEY), KEY, now=999.9) == ONE
    with pytest.raises(Refused, match="expired 5 s ago"):
        read(sign(ONE, KEY), KEY, now=1005)


def test_a_signed_body_that_is_no_claim_is_refused() -> None:
    good = sign(ONE, KEY)
    body = base64.urlsafe_b64encode(b'{"mission":"m"}').decode().rstrip("=")
    with pytest.raises(Refused):
        read(f"{body}.{good.partition('.')[2]}", KEY, now=0)


@pytest.mark.parametrize(
    ("model", "max_tokens", "said"),
    [
        ("big", 100, ""),
        ("big", 1, ""),
        ("small", 100, "The permit is for model 'big', not for 'small'."),
        ("big", 101, "The permit allows max_tokens 100; the request has max_tokens 101."),
        ("big", None, "The permit allows max_tokens 100; the request has no max_tokens."),
    ],
    ids=["all of it", "less", "another model", "more", "no limit"],
)
def test_a_request_is_held_against_its_permit(
    model: str, max_tokens: int | None, said: str
) -> None:
    assert why_not(ONE, model, max_tokens) == said
