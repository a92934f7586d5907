"""The text that the benchmark's own model learns: the standard library's sources.

A file belongs to the held-out part by the hash of its path, so that the split is the same
everywhere and a model never sees what it is measured on.
"""

import hashlib
import sysconfig
from collections.abc import Iterator
from pathlib import Path

_SKIPPED = {"site-packages", "dist-packages", "idlelib", "lib2to3", "encodings", "__pycache__"}
_TEXTS = {".md", ".py", ".rst", ".txt", ".yaml"}


def _held_out(relative: Path) -> bool:
    return hashlib.sha256(relative.as_posix().encode()).digest()[0] < 26  # one file in ten


def library_texts(held_out: bool) -> Iterator[str]:
    """Yield the sources of one part of the standard library, in order of path hash."""
    root = Path(sysconfig.get_path("stdlib"))
    files = [path.relative_to(root) for path in root.rglob("*.py")]
    files = [path for path in files if not _SKIPPED & set(path.parts)]
    files.sort(key=lambda path: hashlib.sha256(path.as_posix().encode()).digest()[1:])
    for path in files:
        if _held_out(path) == held_out:
            yield (root / path).read_text(encoding="utf-8", errors="replace")


def folder_texts(folder: Path) -> Iterator[str]:
    """Yield the text files below a folder, by name."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in _TEXTS and path.is_file():
            yield path.read_text(encoding="utf-8", errors="replace")
