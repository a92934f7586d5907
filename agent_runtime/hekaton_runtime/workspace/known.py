"""What one process knows of the commits that it made or read, so that git need not be asked. Pure.

A commit never changes, so what is known of one stays true. A branch does: what is known of it is
forgotten as soon as git says otherwise.
"""

from collections.abc import Iterable, Mapping, Sized
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from hekaton_runtime.workspace.git import Entry

Puts: TypeAlias = tuple[Entry, ...]
"""Files as they are from now on."""
MOST_PATHS = 200_000
"""Of all trees that are remembered together; a tree costs some 200 bytes a path."""
MOST_BYTES = 16 * 1024 * 1024
"""Of all contents that are remembered."""
Held = TypeVar("Held", bound=Sized)


@dataclass(frozen=True, slots=True)
class Step:
    """What a commit of this process differs by from its first parent."""

    puts: Puts
    removes: tuple[str, ...] = ()


class Shelf(Generic[Held]):
    """What is remembered by name, up to a size of all together: the oldest is forgotten for the newest."""

    def __init__(self, most: int) -> None:
        self._most, self._size = most, 0
        self._held: dict[str, Held] = {}

    def get(self, name: str) -> Held | None:
        return self._held.get(name)

    def put(self, name: str, held: Held) -> None:
        self._forget(name)
        self._held[name] = held
        self._size += len(held)
        while self._size > self._most and len(self._held) > 1:
            self._forget(next(iter(self._held)))

    def _forget(self, name: str) -> None:
        self._size -= len(self._held.pop(name, ()))


class Known:
    """Grows with a mission."""

    def __init__(self) -> None:
        self.tips: dict[str, str] = {}
        """Where this process left each branch."""
        self._parents: dict[str, tuple[str, ...]] = {}
        self._steps: dict[str, Step] = {}
        self.trees: Shelf[Mapping[str, Entry]] = Shelf(MOST_PATHS)
        """What a commit holds, by path, sorted."""
        self.contents: Shelf[bytes] = Shelf(MOST_BYTES)
        """By name of the blob."""

    def saw(self, commit: str, entries: Iterable[Entry]) -> Mapping[str, Entry]:
        """Remember what a commit holds."""
        tree = {entry.path: entry for entry in entries}
        self.trees.put(commit, tree)
        return tree

    def moved(
        self, branch: str, commit: str, parents: tuple[str, ...] = (), step: Step | None = None
    ) -> None:
        """A branch was moved, perhaps to a new commit, of which `step` is known."""
        self.tips[branch] = commit
        if parents:
            self._parents[commit] = parents
        if step is None:
            return
        self._steps[commit] = step
        start = self.trees.get(parents[0])
        if start is not None:
            gone = set(step.removes)
            whole = {path: each for path, each in start.items() if path not in gone}
            whole |= {entry.path: entry for entry in step.puts}
            self.saw(commit, (whole[path] for path in sorted(whole)))

    def holds(self, commit: str, older: str) -> bool:
        """Whether `older` is the commit or among its ancestors, as far as is known."""
        seen, left = set[str](), [commit]
        while left:
            one = left.pop()
            if one == older:
                return True
            if one not in seen:
                seen.add(one)
                left += self._parents.get(one, ())
        return False

    def joining(self, source: str, target: str) -> Puts | None:
        """What a merge of `source` puts into `target` where neither removed a file and no file was changed
        by both, so that no merge could do anything else; None where git has to be asked."""
        puts: dict[str, Entry] = {}
        base = source
        while not self.holds(target, base):
            step, parents = self._steps.get(base), self._parents.get(base, ())
            if step is None or step.removes or len(parents) != 1:
                return None
            puts = {entry.path: entry for entry in step.puts} | puts
            base = parents[0]
        before, now = self.trees.get(base), self.trees.get(target)
        if before is None or now is None or not before.keys() <= now.keys():
            return None
        folders = {parent for path in now.keys() - before.keys() for parent in _parents(path)}
        if any(not _free(entry.path, before, now, folders) for entry in puts.values()):
            return None
        return tuple(puts[path] for path in sorted(puts))


def _free(
    path: str, before: Mapping[str, Entry], now: Mapping[str, Entry], folders: set[str]
) -> bool:
    """Whether the target left the path, and what would have to be a folder or a file for it, alone."""
    blocked = path in folders or any(parent in now for parent in _parents(path))
    return not blocked and before.get(path) == now.get(path)


def _parents(path: str) -> tuple[str, ...]:
    """The folders above a path."""
    parts = path.split("/")
    return tuple("/".join(parts[:n]) for n in range(1, len(parts)))
