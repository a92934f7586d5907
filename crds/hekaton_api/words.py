"""Small pieces of sentences: lists, and the known name that was probably meant. Pure."""

from collections.abc import Iterable
from difflib import get_close_matches


def listed(names: Iterable[str]) -> str:
    """Names in a sentence, or the word none."""
    return ", ".join(names) or "none"


def near(name: str, known: Iterable[str]) -> str:
    """A question ending in a space when a known name looks like this one, else nothing."""
    spelled = {each.lower(): each for each in known}
    close = get_close_matches(name[:100].lower(), spelled, n=1, cutoff=0.6)
    return f"Did you mean {spelled[close[0]]!r}? " if close else ""
