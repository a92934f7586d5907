"""Key files: private, named, and never overwritten."""

import os
from pathlib import Path

import pytest

from hekaton_runtime.bus.curve import (
    generate,
    is_private,
    load,
    load_admitted,
    load_public,
    refuse_names,
    save,
)
from hekaton_runtime.bus.keys import Admitted
from hekaton_runtime.errors import BadInput


def test_a_saved_pair_is_loaded_again(folder: Path) -> None:
    pair = generate("broker")
    save(pair, folder)
    assert load("broker", folder) == pair
    assert load_public("broker", folder) == pair.public
    assert load_admitted(folder) == (Admitted("broker", pair.public),)


def test_the_secret_is_readable_by_its_owner_alone(folder: Path) -> None:
    save(generate("a"), folder)
    assert (folder / "a.key").stat().st_mode & 0o777 == 0o600


def test_a_secret_that_others_can_read_is_refused(folder: Path) -> None:
    save(generate("a"), folder)
    (folder / "a.key").chmod(0o640)
    with pytest.raises(BadInput, match="0640"):
        load("a", folder)


def test_a_key_is_never_overwritten(folder: Path) -> None:
    save(generate("a"), folder)
    with pytest.raises(BadInput, match="exists"):
        save(generate("a"), folder)


def test_a_secret_is_in_no_text(folder: Path) -> None:
    pair = generate("a")
    assert pair.secret not in repr(pair)
    (folder / "b.key").write_text("hush")
    with pytest.raises(BadInput) as caught:
        load("b", folder)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "a" * 64])
def test_a_name_that_is_no_file_name_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="Key name"):
        generate(name)


OWNER, GROUP, OTHERS = 0o400, 0o440, 0o444


@pytest.mark.parametrize(
    ("mode", "owner", "group", "uid", "fine"),
    [
        (OWNER, 1000, 1000, 1000, True),
        (GROUP, 0, 65532, 65532, True),
        (GROUP, 0, 7, 65532, False),
        (GROUP, 1000, 65532, 65532, False),
        (GROUP, 0, 0, 0, False),
        (0o460, 0, 65532, 65532, False),
        (OTHERS, 0, 65532, 65532, False),
    ],
    ids=["own", "mounted", "another group", "another owner", "root", "group writes", "everybody"],
)
def test_a_mounted_secret_may_be_read_by_our_group_and_nobody_else(
    mode: int, owner: int, group: int, uid: int, fine: bool
) -> None:
    state = os.stat_result((0o100000 | mode, 1, 1, 1, owner, group, 40, 0, 0, 0))
    assert is_private(state, uid, (65532,)) is fine


def test_a_key_file_that_is_no_text_is_refused(folder: Path) -> None:
    save(generate("a"), folder)
    (folder / "b.pub").write_bytes(b"\xff" * 40)
    with pytest.raises(BadInput, match=r"b\.pub' does not hold a key"):
        load_admitted(folder)


def test_every_name_that_cannot_be_saved_is_told_at_once(folder: Path) -> None:
    save(generate("a"), folder)
    save(generate("b"), folder)
    (folder / "b.key").unlink()
    with pytest.raises(BadInput) as caught:
        refuse_names(("a", "b", "../c", "d"), folder)
    said = caught.value.reasons
    assert len(said) == 3
    assert "a.key' exists" in said[0]
    assert "b.pub' exists" in said[1]
    assert "'../c' must have" in said[2]
