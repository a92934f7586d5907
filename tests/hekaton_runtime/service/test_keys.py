"""API keys and rates as values: read whole or refused whole, and no fault tells a key."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hekaton_runtime.errors import BadInput
from hekaton_runtime.service.desk import LOCAL
from hekaton_runtime.service.keys import from_environ
from hekaton_runtime.service.rates import Rates

SECRET = "a-secret-of-some-length"


def test_keys_come_from_a_file_with_comments_and_digests(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    digest = hashlib.sha256(b"known by its digest").hexdigest()
    file.write_text(f"# ours\n\nalice:{SECRET}\nbob:sha256={digest}\n")
    keys = from_environ({"HEKATON_API_KEYS": str(file)})
    assert (keys.client(SECRET), keys.client("known by its digest")) == ("alice", "bob")
    assert keys.client(digest) is None
    assert SECRET not in repr(keys)


def test_no_variable_means_no_keys() -> None:
    assert not from_environ({})


def test_every_wrong_entry_is_named_and_no_key_is_repeated() -> None:
    wrong = f"alice:{SECRET},alice:{SECRET}2,local:{SECRET}3,{SECRET},carol:short"
    with pytest.raises(BadInput) as caught:
        from_environ({"HEKATON_API_KEYS": wrong})
    assert len(caught.value.reasons) == 4
    assert SECRET not in str(caught.value)
    assert "short" not in str(caught.value)


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(BadInput, match="/nowhere/keys"):
        from_environ({"HEKATON_API_KEYS": "/nowhere/keys"})


@given(
    st.integers(1, 600),
    st.lists(st.floats(0, 10), min_size=1, max_size=60),
)
def test_no_client_ever_gets_more_than_its_rate(per_minute: int, pauses: list[float]) -> None:
    rates, now, passed = Rates(per_minute), 100.0, 0
    for pause in pauses:
        now += pause
        passed += rates.wait(LOCAL, now) == 0.0
    assert passed <= per_minute + (now - 100.0) * per_minute / 60 + 1e-6


def test_who_waits_as_long_as_was_said_is_served() -> None:
    rates = Rates(6)
    while not (wait := rates.wait(LOCAL, 0.0)):
        pass
    assert rates.wait(LOCAL, wait + 1e-6) == 0.0
