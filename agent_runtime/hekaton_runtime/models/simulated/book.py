"""The answer book: what the simulated models know. Pure values, checked when they are made."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import msgspec

from hekaton_runtime.answers import TYPES, Unfit, parse
from hekaton_runtime.errors import BadInput

Json: TypeAlias = Any
"""A value that JSON can say, as plain Python or as a msgspec Struct."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One problem: how to recognise it in a prompt, and the answers to it."""

    key: str
    match: str
    """Text that occurs in every prompt about this problem."""
    answers: Mapping[str, Json]
    """The right answer by the name of its schema (`patch`, `plan`, ...)."""
    wrong: Mapping[str, tuple[Json, ...]] = field(default_factory=dict)
    """Answers of a model that fails; a patch without any is made wrong by emptying its functions."""


@dataclass(frozen=True, slots=True)
class Book:
    """Entries in order; raises `BadInput` with everything that is wrong with them."""

    entries: tuple[Entry, ...] = ()

    def __post_init__(self) -> None:
        if reasons := list(_faults(self.entries)):
            raise BadInput(reasons)

    def find(self, prompt: str, answer: str) -> Entry | None:
        """Find the entry whose match occurs in the prompt; the longest wins, then the first.

        Entries that know this kind of answer go before those that do not: a plan that names its
        tasks also holds the texts by which the tasks are recognised.
        """
        hits = [entry for entry in self.entries if entry.match in prompt]
        hits = [entry for entry in hits if answer in entry.answers] or hits
        return max(hits, key=lambda entry: len(entry.match), default=None)


def _faults(entries: tuple[Entry, ...]) -> Iterator[str]:
    seen: set[str] = set()
    for number, entry in enumerate(entries, 1):
        where = f"Entry {number} ({entry.key!r})"
        if not entry.key:
            yield f"{where}: key is empty; give each entry a name of its own."
        elif entry.key in seen:
            yield f"{where}: key is used before; give each entry a name of its own."
        seen.add(entry.key)
        if not entry.match.strip():
            yield f"{where}: match is empty; give text that only prompts about this problem hold."
        if not entry.answers:
            yield f"{where}: answers is empty; give at least one, such as 'patch'."
        for name, value in entry.answers.items():
            yield from _unfit(f"{where}: answers.{name}", name, value)
        for name, values in entry.wrong.items():
            if name not in entry.answers:
                yield f"{where}: wrong.{name} has no right answer beside it; add answers.{name}."
            for place, value in enumerate(values):
                yield from _unfit(f"{where}: wrong.{name}[{place}]", name, value)


def _unfit(where: str, name: str, value: Json) -> Iterator[str]:
    """Say why a value is no such answer; names that we do not know may hold any JSON."""
    try:
        text = msgspec.json.encode(value).decode()
        if kind := next((kind for known, kind in TYPES.items() if known == name), None):
            parse(text, kind)
    except (Unfit, TypeError, ValueError) as fault:
        yield f"{where}: {fault}; write it as the {name!r} schema asks."
