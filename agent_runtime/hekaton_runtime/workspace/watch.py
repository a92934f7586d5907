"""What a running command holds: disk, memory, processes; measured from outside, cheap and bounded.

Folders are walked by descriptor, so that a folder swapped for a link leads nowhere, and a long path
hides nothing. Not seen: a file that is mapped, unlinked and closed, and, for an ordinary user, what
lies in a folder made unreadable; the per-file limit and the machine's own quotas bound those.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

DEEPEST = 256
MOST_ENTRIES = 500_000
BLOCK = 512
AROUND = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing in a folder, with an open descriptor of the folder and how deep it lies."""

    parent: int
    found: "os.DirEntry[str]"
    depth: int

    def status(self) -> os.stat_result:
        return self.found.stat(follow_symlinks=False)


@dataclass(frozen=True, slots=True)
class Disk:
    """Bytes on disk, the number of entries, and whether folders nest deeper than `DEEPEST`."""

    size: int = 0
    entries: int = 0
    too_deep: bool = False


@dataclass(frozen=True, slots=True)
class Process:
    pid: int
    parent: int
    resident: int
    """Bytes in memory."""


def walk(folder: str, at: int | None = None, depth: int = 1) -> Iterator[Entry]:
    """Every entry below a folder, what is inside before its folder; stops below `DEEPEST`."""
    try:
        here = os.open(folder, AROUND, dir_fd=at)
    except OSError:
        return  # gone meanwhile, or unreadable
    try:
        with os.scandir(here) as entries:
            for found in entries:
                if found.is_dir(follow_symlinks=False) and depth < DEEPEST:
                    yield from walk(found.name, here, depth + 1)
                yield Entry(here, found, depth)
    finally:
        os.close(here)


def disk(folders: tuple[str, ...]) -> Disk:
    """What the folders hold together, each file once; gives up where a limit is passed."""
    size = entries = 0
    linked: set[tuple[int, int]] = set()
    for folder in folders:
        for entry in walk(folder):
            entries += 1
            if entries > MOST_ENTRIES or entry.depth >= DEEPEST:
                return Disk(size, entries, entry.depth >= DEEPEST)
            with suppress(OSError):
                seen = entry.status()
                key = (seen.st_dev, seen.st_ino)
                size += 0 if key in linked else seen.st_blocks * BLOCK
                if seen.st_nlink > 1 and not stat.S_ISDIR(seen.st_mode):
                    linked.add(key)
    return Disk(size, entries)


def give(folders: tuple[str, ...], uid: int, owned_by: int | None = None) -> None:
    """Make `uid` own the folders and all in them; with `owned_by`, only what that uid owns."""
    for folder in folders:
        os.chown(folder, uid, uid, follow_symlinks=False)
        for entry in walk(folder):
            with suppress(FileNotFoundError):
                if owned_by is None or entry.status().st_uid == owned_by:
                    name = entry.found.name
                    os.chown(name, uid, uid, dir_fd=entry.parent, follow_symlinks=False)


def _processes() -> Iterator[Process]:
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        with suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:
            # The name in brackets may hold anything, so the fields are counted from its end.
            fields = file.read().rpartition(b")")[2].split()
            yield Process(int(name), int(fields[1]), int(fields[21]) * PAGE)


def descendants(pid: int) -> tuple[Process, ...]:
    """All processes below `pid`, as far as they still hang together."""
    children: dict[int, list[Process]] = {}
    for process in _processes():
        children.setdefault(process.parent, []).append(process)
    found: list[Process] = []
    waiting = [pid]
    while waiting:
        for child in children.pop(waiting.pop(), []):
            found.append(child)
            waiting.append(child.pid)
    return tuple(found)


def unlinked(processes: tuple[Process, ...]) -> int:
    """Bytes in files that are open but have no name any more (memory files too), each once."""
    seen: dict[tuple[int, int], int] = {}
    for process in processes:
        folder = f"/proc/{process.pid}/fd"
        with suppress(OSError):
            for name in os.listdir(folder):
                with suppress(OSError):
                    status = os.stat(f"{folder}/{name}")
                    if status.st_nlink == 0 and stat.S_ISREG(status.st_mode):
                        seen[(status.st_dev, status.st_ino)] = status.st_blocks * BLOCK
    return sum(seen.values())


def threads_of(uid: int) -> int:
    """Processes and threads of a user, as RLIMIT_NPROC counts them."""
    count = 0
    for name in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError):
            if os.stat(f"/proc/{name}").st_uid == uid:
                count += len(os.listdir(f"/proc/{name}/task"))
    return count
