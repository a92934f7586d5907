"""What one process knows of the commits that it made or read, so that git need not be asked. Pure.

A commit never changes, so what is known of one stays true. A branch does: what is known of it is
forgotten as soon as git says otherwise.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from hekaton_runtime.workspace.git import Entry

Puts: TypeAlias = tuple[Entry, ...]
"""Files as they are from now on."""
MOST_PATHS = 200_000
"""Of all trees that are remembered together; a tree costs some 200 bytes a path."""


MOST_BYTES = 16 * 1024 * 1024
"""Of all contents that are remembered."""


@dataclass(frozen=True, slots=True)
class Step:
    """What a commit of this process differs by from its first parent."""

    puts: Puts
    removes: tuple[str, ...] = ()


class Known:
    """Grows with a mission."""

    def __init__(self) -> None:
        self.tips: dict[str, str] = {}
        """Where this process left each branch."""
        self._parents: dict[str, tuple[str, ...]] = {}
        self._steps: dict[str, Step] = {}
        self._trees: dict[str, Mapping[str, Entry]] = {}
        self._contents: dict[str, bytes] = {}

    def tree(self, commit: str) -> Mapping[str, Entry] | None:
        """What a commit holds, by path."""
        return self._trees.get(commit)

    def content(self, blob: str) -> bytes | None:
        return self._contents.get(blob)

    def read(self, blob: str, content: bytes) -> None:
        """Remember a content; the oldest ones are forgotten for it."""
        while self._contents and len(content) + sum(map(len, self._contents.values())) > MOST_BYTES:
            del self._contents[next(iter(self._contents))]
        self._contents[blob] = content

    def saw(self, commit: str, entries: Iterable[Entry]) -> Mapping[str, Entry]:
        """Remember what a commit holds; the oldest trees are forgotten for it."""
        tree = {entry.path: entry for entry in entries}
        while self._trees and len(tree) + sum(map(len, self._trees.values())) > MOST_PATHS:
            del self._trees[next(iter(self._trees))]
        self._trees[commit] = tree
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
        start = self._trees.get(parents[0])
        if start is not None:
            kept = {path: each for path, each in start.items() if path not in step.removes}
            whole = kept | {entry.path: entry for entry in step.puts}
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
        before, now = self._trees.get(base), self._trees.get(target)
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
