"""The same files give the same image, wherever and whenever they are built.

Shown on a context of three files, since a whole image takes minutes: what differs between two
checkouts (folder, times, who owns it) must leave no trace in layers and digest.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from cluster.native import bases, images, packages
from cluster.places import ROOT
from cluster.progress import Failure

NAMES = ("localhost/hekaton-twin:first", "localhost/hekaton-twin:second")
FILES = {
    "Dockerfile": "FROM scratch\nCOPY . /app/\nWORKDIR /app\nUSER 65532:65532\n",
    "code.py": "print(1)\n",
    "more/deep.txt": "text\n",
}


@pytest.fixture
def names() -> Iterator[tuple[str, str]]:
    packages.need(packages.IMAGE)
    yield NAMES
    for name in NAMES:
        with suppress(Failure):
            bases.buildah("rmi", "--force", name)


def context(folder: Path, age: float, names: list[str]) -> Path:
    """A checkout, written in this order, so many seconds old."""
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(FILES[name])
        os.utime(file, (age, age))
    return folder


def test_two_checkouts_give_one_digest(names: tuple[str, str], tmp_path: Path) -> None:
    one = context(tmp_path / "one", 1e9, list(FILES))
    two = context(tmp_path / "elsewhere" / "two", 1.7e9, list(reversed(FILES)))
    digests = [
        images.made(folder, name, "--no-cache")
        for folder, name in zip((one, two), names, strict=True)
    ]
    assert digests[0] == digests[1]
    (two / "code.py").write_text("print(2)\n")
    assert images.made(two, names[1], "--no-cache") != digests[0]


def test_the_image_and_its_wheels_are_of_one_time() -> None:
    """The layers' time and what the wheel and users of the image are stamped with."""
    text = (ROOT / "Dockerfile").read_text()
    assert text.count(f"SOURCE_DATE_EPOCH={images.EPOCH}") == 2


def test_byte_code_does_not_depend_on_times() -> None:
    """Times of files are those of the image; byte code that goes by them would be made at every start."""
    text = (ROOT / "Dockerfile").read_text()
    assert "PIP_NO_COMPILE=1" in text
    assert text.count("$COMPILE /opt/") == 3
    assert "unchecked-hash" in text
