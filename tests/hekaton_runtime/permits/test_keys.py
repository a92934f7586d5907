"""The file of the permits' key."""

import base64
from pathlib import Path

import pytest

from hekaton_runtime.errors import BadInput
from hekaton_runtime.permits.keys import KeyFile, load_key
from hekaton_runtime.permits.signer import Signer


def test_the_key_is_read_with_or_without_a_line_end(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_bytes(base64.b64encode(bytes(32)) + b"\n")
    assert load_key(file) == bytes(32)


@pytest.mark.parametrize(
    "text", ["", "short", "not base64 at all!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!"]
)
def test_a_file_without_a_key_is_refused_without_being_shown(tmp_path: Path, text: str) -> None:
    file = tmp_path / "key"
    file.write_text(text)
    with pytest.raises(BadInput, match="head -c 32 /dev/urandom") as refusal:
        load_key(file)
    assert text == "" or text not in str(refusal.value)


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="absent"):
        load_key(tmp_path / "absent")


def test_a_signer_never_shows_its_key() -> None:
    assert "secret" not in repr(Signer(lambda: b"secret"))


def test_a_key_that_was_renewed_is_the_key_from_then_on(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_bytes(base64.b64encode(bytes(32)))
    held = KeyFile(file)
    file.write_bytes(base64.b64encode(bytes([1] * 32)))
    assert held.key() == bytes([1] * 32)


@pytest.mark.parametrize("text", [None, "half of it"], ids=["absent", "torn"])
def test_a_key_is_kept_while_its_file_holds_none(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "key"
    file.write_bytes(base64.b64encode(bytes(32)))
    held = KeyFile(file)
    file.unlink() if text is None else file.write_text(text)
    assert held.key() == bytes(32)
