"""Which paths and branch names an answer may use. Pure: every check returns all its reasons.

A path must mean the same file everywhere: on file systems that fold case, ignore trailing dots or
invisible characters, or know short names, `.git` has many spellings, and all of them are refused.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping

from hekaton_runtime.answers import FileChange

MOST_FILES = 256
MOST_BYTES = 1 << 20
LONGEST_PATH = 1000  # bytes; file systems take 4096 with what stands before it
LONGEST_NAME = 255
BRANCH = re.compile(r"[a-z0-9][a-z0-9-]*(?:/[a-z0-9][a-z0-9-]*)*")
LONGEST_BRANCH = 120
INVISIBLE = ("Cc", "Cf", "Cs", "Zl", "Zp")
SHORT_NAME = re.compile(r"git~[0-9]+")
LINK, SUBMODULE = "120000", "160000"


def _is_git(name: str) -> bool:
    """Could some file system take this name for `.git`?"""
    seen = "".join(c for c in name if unicodedata.category(c) not in INVISIBLE)
    folded = unicodedata.normalize("NFKC", seen).casefold()
    plain = folded.partition(":")[0].rstrip(". ")
    return plain == ".git" or SHORT_NAME.fullmatch(plain) is not None


def _name_faults(path: str, name: str) -> list[str]:
    faults = []
    if name in ("", ".", ".."):
        faults.append(f"the path {path!r} has a part {name!r}; name the file directly")
    if _is_git(name):
        faults.append(f"the path {path!r} touches git's own folder; choose another name")
    if len(name.encode(errors="replace")) > LONGEST_NAME:
        faults.append(f"a part of the path {path[:80]!r} is longer than {LONGEST_NAME} bytes")
    return faults


def path_faults(path: str) -> tuple[str, ...]:
    """Why this is no path of a file in the workspace; empty means that it is."""
    if not path:
        return ("the path is empty; name a file",)
    faults = []
    if any(unicodedata.category(c) in INVISIBLE for c in path):
        faults.append(f"the path {path!r} holds control or invisible characters; leave them out")
    if path.startswith("/"):
        faults.append(f"the path {path!r} is absolute; give it relative to the workspace")
    if "\\" in path:
        faults.append(f"the path {path!r} holds a backslash; use '/' between folders")
    if len(path.encode(errors="replace")) > LONGEST_PATH:
        faults.append(f"the path {path[:80]!r}... is longer than {LONGEST_PATH} bytes")
    for name in path.removeprefix("/").split("/"):
        faults += _name_faults(path, name)
    return tuple(dict.fromkeys(faults))


def branch_faults(branch: str) -> tuple[str, ...]:
    """Why this is no branch name; empty means that it is."""
    if BRANCH.fullmatch(branch) and len(branch) <= LONGEST_BRANCH:
        return ()
    return (
        f"The branch name {branch[:200]!r} is not allowed: use a-z, 0-9, '-' and '/' between parts, "
        f"each part beginning with a letter or digit, {LONGEST_BRANCH} characters at most.",
    )


def _content_faults(change: FileChange) -> list[str]:
    try:
        size = len(change.content.encode())
    except UnicodeEncodeError:
        return [f"the content of {change.path!r} is not valid Unicode text"]
    if size > MOST_BYTES:
        return [f"the file {change.path!r} has {size} bytes; at most {MOST_BYTES} are allowed"]
    return []


def _parents(path: str) -> Iterable[str]:
    parts = path.split("/")
    return ("/".join(parts[:end]) for end in range(1, len(parts)))


def _place_faults(change: FileChange, modes: Mapping[str, str], folders: set[str]) -> list[str]:
    """What in the tree as it is stands in the way of this change."""
    path = change.path
    faults = []
    for place in (*_parents(path), path):
        mode = modes.get(place)
        if mode == LINK:
            faults.append(f"the path {path!r} goes through the symbolic link {place!r}")
        elif mode == SUBMODULE:
            faults.append(f"the path {path!r} lies in the submodule {place!r}")
        elif mode is not None and place != path and not change.delete:
            faults.append(f"the path {path!r} needs a folder where {place!r} is a file")
    if path in folders:
        faults.append(f"the path {path!r} is a folder; name a file in it")
    return faults


def _faults_among(changes: tuple[FileChange, ...]) -> list[tuple[str, str]]:
    """What is wrong with the changes as a set."""
    faults = []
    if len(changes) > MOST_FILES:
        text = f"{len(changes)} files are too many for one write; at most {MOST_FILES} are allowed"
        faults.append(("", text))
    seen: set[str] = set()
    written = {change.path for change in changes if not change.delete}
    for change in changes:
        if change.path in seen:
            faults.append((change.path, f"the path {change.path!r} is given more than once"))
        seen.add(change.path)
        inside = [parent for parent in _parents(change.path) if parent in written]
        if inside and not change.delete:
            faults.append((change.path, f"{inside[0]!r} cannot be both a file and a folder"))
    return faults


def change_faults(
    changes: tuple[FileChange, ...], modes: Mapping[str, str]
) -> tuple[tuple[str, str], ...]:
    """Everything that is wrong with a write, as (path, reason). `modes`: git's mode of each path."""
    faults = _faults_among(changes)
    gone = {change.path for change in changes if change.delete}
    kept = {path: mode for path, mode in modes.items() if path not in gone or mode == LINK}
    folders = {parent for path in kept for parent in _parents(path)}
    for change in changes:
        reasons = list(path_faults(change.path))
        reasons += [] if change.delete else _content_faults(change)
        reasons += _place_faults(change, kept, folders) if not reasons else []
        faults += [(change.path, reason) for reason in reasons]
    return tuple(faults)
