"""Commits made in this process: git itself takes two processes, and twenty milliseconds, for each.

Of the same content the same objects as git's own come out. Nothing is read but objects and references:
no configuration, no hook, no attribute.
"""

import errno
import os
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from threading import Lock
from typing import TypeAlias, TypeVar

from dulwich.file import FileLocked
from dulwich.object_store import DiskObjectStore
from dulwich.objects import ZERO_SHA, Blob, Commit, ObjectID, Tree
from dulwich.refs import DiskRefsContainer, Ref

from hekaton_runtime.room import is_full

Changes: TypeAlias = tuple[tuple[str, str, bytes | None], ...]
"""(path, mode, content) of each file; no content removes it."""
Edits: TypeAlias = Mapping[bytes, tuple[int, ObjectID] | None]
"""By path below a folder: mode and name of the blob that it is from now on, or nothing."""
FOLDER = 0o40000
SLACK = 1 << 16
"""Bytes for what a commit brings beside its contents: folders, itself, the branch."""
LOCKED = 1.0
"""Seconds that another process's lock is waited for."""
Made = TypeVar("Made")


class Elsewhere(Exception):
    """The branch is not where it was."""


class Commits:
    """Of one bare repository. `who`: name and address; `when`: seconds since 1970."""

    def __init__(self, directory: Path, who: str, when: int) -> None:
        self._directory, self._who, self._when = directory, who.encode(), when
        self._turn = Lock()

    def in_turn(self, make: Callable[[], Made]) -> Made:
        """What is made when nobody else of this process writes: two writers of one object, or of one
        branch, do not wait for each other. Raises `FileLocked` where another process's lock stays."""
        with self._turn:
            end = time.monotonic() + LOCKED
            while True:
                try:
                    return make()
                except FileLocked:
                    if time.monotonic() > end:
                        raise
                time.sleep(0.01)

    def grow(self, branch: str, start: str, changes: Changes, message: str) -> str:
        """Set a branch, which is at `start` or new, to a commit of these changes on it.

        The commit's name. Raises `Elsewhere`.
        """
        self._need(sum(len(content or b"") for _, _, content in changes))
        with closing(DiskObjectStore(self._directory / "objects")) as store:
            edits: dict[bytes, tuple[int, ObjectID] | None] = {}
            for path, mode, content in changes:
                edits[path.encode()] = None
                if content is not None:
                    blob = Blob.from_string(content)
                    store.add_object(blob)
                    edits[path.encode()] = int(mode, 8), blob.id
            return self._commit(store, branch, (start,), edits, message)

    def join(
        self, branch: str, target: str, source: str, puts: Sequence[tuple[str, str, str]], message: str
    ) -> str:  # fmt: skip
        """Set a branch, which is at `target` or new, to a merge of `source`; `puts`: (path, mode, blob)
        of what it brings. The commit's name. Raises `Elsewhere`."""
        with closing(DiskObjectStore(self._directory / "objects")) as store:
            edits = {
                path.encode(): (int(mode, 8), ObjectID(blob.encode())) for path, mode, blob in puts
            }
            return self._commit(store, branch, (target, source), edits, message)

    def _commit(
        self, store: DiskObjectStore, branch: str, parents: tuple[str, ...], edits: Edits, message: str
    ) -> str:  # fmt: skip
        before = [ObjectID(parent.encode()) for parent in parents]
        start = store[before[0]]
        assert isinstance(start, Commit)
        commit = Commit()
        commit.tree = _edited(store, start.tree, edits) or _stored(store, {})
        commit.parents = before
        commit.author = commit.committer = self._who
        commit.author_time = commit.commit_time = self._when
        commit.author_timezone = commit.commit_timezone = 0
        commit.message = worded(message)
        store.add_object(commit)
        made = commit.id.decode()
        if not any(self.move(branch, made, old) for old in (parents[0], "")):
            raise Elsewhere(f"{branch!r} is not where it was")
        return made

    def _need(self, room: int) -> None:
        """Raises OSError where there is not so much. dulwich would find out in the midst of a file, and
        again when it is forgotten, which Python tells on stderr."""
        if is_full(self._directory, SLACK + room):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._directory))

    def unlock(self) -> None:
        """Remove the locks of a process that was killed; nobody else writes here now."""
        for folder, pattern in (("refs", "**/*.lock"), ("objects", "??/*.lock")):
            for lock in (self._directory / folder).glob(pattern):
                lock.unlink(missing_ok=True)

    def move(self, branch: str, new: str, old: str) -> bool:
        """Set a branch from `old` (empty: it must be new) to `new`; False if it is elsewhere."""
        self._need(0)
        before = ObjectID(old.encode()) if old else ZERO_SHA
        refs = DiskRefsContainer(self._directory)
        return refs.set_if_equals(_named(branch), before, ObjectID(new.encode()))

    def tips(self, *branches: str) -> tuple[str, ...]:
        """Where branches are; empty where there is none."""
        refs = DiskRefsContainer(self._directory)
        return tuple((refs.read_ref(_named(branch)) or b"").decode() for branch in branches)


def _named(branch: str) -> Ref:
    return Ref(f"refs/heads/{branch}".encode())


def _edited(store: DiskObjectStore, old: ObjectID | None, edits: Edits) -> ObjectID | None:
    """A folder after the edits; None where nothing is left of it."""
    found = store[old] if old is not None else Tree()
    assert isinstance(found, Tree)
    held = {name: (mode, there) for name, mode, there in found.iteritems()}
    below: defaultdict[bytes, dict[bytes, tuple[int, ObjectID] | None]] = defaultdict(dict)
    for path, put in edits.items():
        name, slash, rest = path.partition(b"/")
        if slash:
            below[name][rest] = put
        elif put is not None:
            held[name] = put
        else:
            held.pop(name, None)
    for name, inner in below.items():
        mode, there = held.get(name, (FOLDER, None))
        folder = _edited(store, there if mode == FOLDER else None, inner)
        if folder is not None:
            held[name] = FOLDER, folder
        elif mode == FOLDER:
            held.pop(name, None)
    return _stored(store, held) if held else None


def _stored(store: DiskObjectStore, held: Mapping[bytes, tuple[int, ObjectID]]) -> ObjectID:
    tree = Tree()
    for name, (mode, there) in held.items():
        tree.add(name, mode, there)
    store.add_object(tree)
    return tree.id


def worded(message: str) -> bytes:
    """A message that git takes: never empty."""
    return (message.replace("\0", "").strip() or "(no message)").encode(errors="replace")


def blob_name(content: bytes) -> str:
    """What a content is called."""
    return Blob.from_string(content).id.decode()
