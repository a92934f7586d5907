"""When are two answers the same? What differs in blanks and comments only counts as one. Pure."""

from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b

from hekaton_runtime.answers import FileChange, Patch


def normal(patch: Patch) -> str:
    """A digest that patches of the same content share, whatever their layout, order or summary."""
    files = sorted(patch.files, key=lambda change: change.path)
    return _digest("\0".join(f"{one.path}\1{_content(one)}" for one in files))


def normal_text(text: str) -> str:
    """Likewise for prose: case, blanks and closing stops do not count."""
    return _digest(" ".join(text.casefold().split()).rstrip(".!"))


def majority(contents: Sequence[str]) -> int:
    """The index of the first member of the largest class; classes of one size: the one seen first."""
    sizes = Counter(contents)
    return max(range(len(contents)), key=lambda index: (sizes[contents[index]], -index))


def _content(change: FileChange) -> str:
    if change.delete:
        return "\2"
    lines = (line.rstrip() for line in change.content.splitlines())
    python = change.path.endswith(".py")
    return "\n".join(line for line in lines if line and not (python and line.lstrip()[0] == "#"))


def _digest(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
