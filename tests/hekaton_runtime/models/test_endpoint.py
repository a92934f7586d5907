"""Base URLs, keys and settings."""

import pytest

from hekaton_runtime.errors import BadInput
from hekaton_runtime.models.endpoint import ClientSettings, api_root, why_not_key


@pytest.mark.parametrize(
    ("given", "root"),
    [
        ("http://h:8000", "http://h:8000/v1"),
        ("http://h:8000/", "http://h:8000/v1"),
        ("http://h:8000/v1", "http://h:8000/v1"),
        (" http://h:8000/v1/ ", "http://h:8000/v1"),
        ("https://h/llm", "https://h/llm/v1"),
        ("https://h/v1beta/openai/", "https://h/v1beta/openai"),
        ("https://h/api/v1/chat/completions", "https://h/api/v1"),
        ("http://[::1]:80", "http://[::1]:80/v1"),
    ],
)
def test_a_base_url_is_understood_as_people_write_it(given: str, root: str) -> None:
    assert api_root(given) == root


@pytest.mark.parametrize(
    "url",
    ["", "h:8000", "ftp://h", "http://", "http://h:port", "http://h/?a=b", "http://h/a b", "//h"],
)
def test_what_is_no_base_url_is_refused_with_the_remedy(url: str) -> None:
    with pytest.raises(BadInput, match="base URL.*give one like"):
        api_root(url)


def test_a_password_in_the_url_is_refused_and_not_shown() -> None:
    with pytest.raises(BadInput, match="user or password") as caught:
        api_root("http://me:s3cret@h:8000")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("key", ["", "a b", "a\nb", "käse"])
def test_a_key_that_no_header_can_hold_is_refused_unseen(key: str) -> None:
    (reason,) = why_not_key(key)
    assert "key" in reason
    assert not key or key not in reason


def test_settings_name_every_value_that_cannot_be() -> None:
    with pytest.raises(BadInput) as caught:
        ClientSettings(attempts=0, total_seconds=-1.0, backoff_seconds=-0.5)
    assert [reason.split()[0] for reason in caught.value.reasons] == [
        "total_seconds",
        "attempts",
        "backoff_seconds",
    ]
