"""Which lines a change touched: tools speak of whole files, a review only of what was changed. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import PurePosixPath

LONGEST = 4000
"""Lines; of longer files every line counts as touched, since comparing them takes too long."""
TEST_FOLDERS = frozenset({"test", "tests", "testing"})


@dataclass(frozen=True, slots=True)
class Touched:
    """One changed Python file."""

    path: str
    text: str
    lines: frozenset[int]
    """Numbers from 1."""

    @property
    def is_test(self) -> bool:
        """By the usual names; tests are held to style and types, not to security and coverage."""
        name, folders = PurePosixPath(self.path).name, PurePosixPath(self.path).parts[:-1]
        named = name.startswith("test_") or name.endswith("_test.py") or name == "conftest.py"
        return named or bool(TEST_FOLDERS.intersection(folders))

    def line(self, number: int) -> str:
        """The text of a line, without its indentation; empty where there is none."""
        lines = self.text.split("\n")
        return lines[number - 1].strip() if 0 < number <= len(lines) else ""


def touched(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Touched, ...]:
    """The Python files that differ or are new, by path. Removed files have nothing to look at."""
    return tuple(
        Touched(path, text, changed_lines(before.get(path, ""), text))
        for path, text in sorted(after.items())
        if path.endswith(".py") and before.get(path) != text
    )


def changed_lines(old: str, new: str) -> frozenset[int]:
    """Numbers of the lines of `new` that `old` does not have at that place.

    Around a removal both neighbours count: what was taken away shows in them.
    """
    was, now = old.split("\n"), new.split("\n")
    if not old or max(len(was), len(now)) > LONGEST:
        return frozenset(range(1, len(now) + 1))
    found: set[int] = set()
    for kind, _, _, first, last in SequenceMatcher(None, was, now, autojunk=False).get_opcodes():
        if kind == "delete":
            found |= {first, first + 1} & set(range(1, len(now) + 1))
        elif kind != "equal":
            found |= set(range(first + 1, last + 1))
    return frozenset(found)
