"""What a journal holds by place, so that its end is told from a hole, and its own from stray entries. Pure.

A body (the strategy, or a branch of it) goes step by step, so an entry that is missing before a later
one of the same body was lost, and one behind the body's end belongs to another strategy.
"""

from collections.abc import Iterable

from hekaton_runtime.effects import (
    Ask,
    Effect,
    Examine,
    Merge,
    Note,
    Now,
    Pause,
    Read,
    Round,
    Run,
    Share,
    Write,
)
from hekaton_runtime.journal.entries import Body
from hekaton_runtime.results import (
    Answer,
    Clock,
    Examined,
    Failed,
    Files,
    HeardAll,
    Merged,
    Noted,
    Ran,
    Refused,
    Rejected,
    Shared,
    Stopped,
    Unmerged,
    Written,
)


def _step(name: str) -> int | None:
    """The number in a step's part of a path, which several effects at once share; None for a branch."""
    number = name.partition(".")[0]
    return int(number) if number.isdecimal() else None


class Shape:
    """The last step and the branches of each body, by the body's path."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._last: dict[str, int] = {}
        self._branches: dict[str, set[str]] = {}
        for path in paths:
            if path.startswith("/"):  # else it is no part of the course: a halt
                self._add(path)

    def _add(self, path: str) -> None:
        parts = path.split("/")
        body = ""
        for name in parts[1:-1]:
            if _step(name) is None:
                self._branches.setdefault(body, set()).add(name)
            body = f"{body}/{name}"
        step = _step(parts[-1])
        if step is None:
            self._branches.setdefault(body, set()).add(parts[-1].removesuffix("!"))
        else:
            self._last[body] = max(step, self._last.get(body, -1))

    def is_new(self, body: str, step: int) -> bool:
        """Does the journal hold neither this step of the body nor a later one?"""
        return self._last.get(body, -1) < step

    def is_hole(self, path: str) -> bool:
        """Does the journal hold a later step of the body that this path is a step of?"""
        body, _, name = path.rpartition("/")
        step = _step(name)
        return step is not None and self._last.get(body, -1) > step

    def beyond(self, body: str, steps: int, branches: Iterable[str]) -> tuple[str, ...]:
        """Places that a body which ended after so many steps, with these branches, never came to."""
        last = self._last.get(body, -1)
        stray = self._branches.get(body, set()).difference(branches)
        late = [f"{body}/{last}"] if last >= steps else []
        return (*late, *(f"{body}/{name}" for name in sorted(stray)))


EXPECTED: dict[type[Effect], tuple[type[Body], ...]] = {
    Ask: (Answer, Refused, Failed, Stopped),
    Round: (HeardAll,),
    Read: (Files,),
    Write: (Written, Rejected),
    Run: (Ran,),
    Examine: (Examined,),
    Merge: (Merged, Unmerged),
    Note: (Noted,),
    Now: (Clock,),
    Pause: (Clock,),
    Share: (Shared,),
}


def fits(effect: Effect, body: Body) -> bool:
    """Is this a result that such an effect can have?"""
    expected = EXPECTED.get(type(effect))
    return expected is None or isinstance(body, expected)
