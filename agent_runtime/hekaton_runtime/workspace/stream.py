"""A whole commit as text for `git fast-import`: one process then does what else takes ten. Pure."""

import hashlib
from collections.abc import Sequence
from typing import TypeAlias

Changes: TypeAlias = tuple[tuple[str, str, bytes | None], ...]
"""(path, mode, content) of each file; no content removes it."""


def commit(branch: str, start: str, changes: Changes, message: bytes, who: str) -> bytes:
    """Set the branch to a commit of the changes on `start`, and say its name. `who`: name, address, date."""
    parts = [_head(branch, message, who), f"from {start}\n".encode()]
    parts += [f"D {_quoted(path)}\n".encode() for path, _, content in changes if content is None]
    for path, mode, content in changes:
        if content is not None:
            parts += [f"M {mode} inline {_quoted(path)}\n".encode(), _data(content)]
    return b"".join([*parts, b"\nget-mark :1\n"])


def join(
    branch: str,
    target: str,
    source: str,
    puts: Sequence[tuple[str, str, str]],
    message: bytes,
    who: str,
) -> bytes:
    """Set the branch, which is at `target`, to a merge of `source`; `puts`: (path, mode, blob) of what it brings."""
    parts = [_head(branch, message, who), f"from {target}\nmerge {source}\n".encode()]
    parts += [f"M {mode} {blob} {_quoted(path)}\n".encode() for path, mode, blob in puts]
    return b"".join([*parts, b"\nget-mark :1\n"])


def worded(message: str) -> bytes:
    """A message that git takes: never empty."""
    return (message.replace("\0", "").strip() or "(no message)").encode(errors="replace")


def blob_name(content: bytes, like: str) -> str:
    """What a content is called in a repository whose objects have names like this one."""
    kind = "sha1" if len(like) == 40 else "sha256"
    whole = b"blob %d\0" % len(content) + content
    return hashlib.new(kind, whole, usedforsecurity=False).hexdigest()


def _head(branch: str, message: bytes, who: str) -> bytes:
    head = f"commit refs/heads/{branch}\nmark :1\nauthor {who}\ncommitter {who}\n"
    return head.encode() + _data(message)


def _data(content: bytes) -> bytes:
    return b"data %d\n" % len(content) + content + b"\n"


def _quoted(path: str) -> str:
    """In C's way, in which any path can be said."""
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
