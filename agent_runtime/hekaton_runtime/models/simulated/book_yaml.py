"""The answer book as YAML, there and back. Long texts are literal blocks, so that code stays legible.

`load` and `dump` work on text; who has a file reads and writes it.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from hekaton_api import tree
from hekaton_api.shown import dotted
from hekaton_runtime.errors import BadInput
from hekaton_runtime.models.simulated.book import Book, Entry

FIELDS = ("key", "match", "answers", "wrong")
_REQUIRED = FIELDS[:3]


def load(text: str, file: str = "answer book") -> Book:
    """Read a book; `file` is only shown. Raises `BadInput` with every reason."""
    documents = list(tree.documents(text))
    reasons = [
        f"{file}:{fault.line}: {dotted(fault.at)} {fault.problem}. {fault.remedy}"
        for document in documents
        for fault in document.faults
    ]
    if not reasons and len(documents) != 1:
        reasons = [f"{file}: holds {len(documents)} documents; write one with 'entries:'."]
    if not reasons:
        reasons = [f"{file}:{line}: {said}" for line, said in _shape(documents[0])]
    if reasons:
        raise BadInput(reasons)
    try:
        return Book(tuple(_entry(raw) for raw in documents[0].value["entries"]))
    except BadInput as fault:
        raise BadInput([f"{file}: {reason}" for reason in fault.reasons]) from fault


def _shape(document: tree.Document) -> Iterator[tuple[int, str]]:
    value = document.value
    if not isinstance(value, dict) or not isinstance(value.get("entries"), tuple):
        yield document.line, "has no list 'entries'; write 'entries:' with a list below it."
        return
    for name in value.keys() - {"entries"}:
        yield document.line_of((name,)), f"{name!r} is no field of a book; it has only 'entries'."
    for index, raw in enumerate(value["entries"]):
        line = document.line_of(("entries", index))
        if not isinstance(raw, dict):
            yield line, f"entries[{index}] is no mapping; give {', '.join(FIELDS)}."
            continue
        for at, said in _entry_faults(raw):
            where = dotted(("entries", index, *at))
            yield document.line_of(("entries", index, *at)), f"{where} {said}"


def _entry_faults(raw: Mapping[str, Any]) -> Iterator[tuple[tree.Path, str]]:
    for name in raw.keys() - set(FIELDS):
        yield (name,), f"is no field of an entry; known: {', '.join(FIELDS)}."
    for name in _REQUIRED:
        if name not in raw:
            yield (), f"lacks {name!r}; add it."
    for name in ("key", "match"):
        if not isinstance(raw.get(name, ""), str):
            shown = repr(raw[name])[:80]
            yield (name,), f"is {shown}; give text, in quotes if it looks otherwise."
    yield from _value_faults(raw)


def _value_faults(raw: Mapping[str, Any]) -> Iterator[tuple[tree.Path, str]]:
    for name in ("answers", "wrong"):
        if not isinstance(raw.get(name, {}), dict):
            yield (name,), "is no mapping; give answer names with their values."
            return
    for answer, values in raw.get("wrong", {}).items():
        if not isinstance(values, tuple) or not values:
            yield ("wrong", answer), "is no list; give a list of wrong answers."


def _entry(raw: Mapping[str, Any]) -> Entry:
    return Entry(raw["key"], raw["match"], raw["answers"], raw.get("wrong", {}))


def dump(book: Book) -> str:
    """Write a book so that `load` gives it back, its answers as plain values."""
    plain = {"entries": [_plain(entry) for entry in book.entries]}
    return "\n".join(_lines(plain, 0)) + "\n"


def _plain(entry: Entry) -> dict[str, Any]:
    values = {"key": entry.key, "match": entry.match, "answers": entry.answers}
    whole = {**values, "wrong": entry.wrong} if entry.wrong else values
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(whole))
    return plain


def _lines(value: Any, depth: int) -> Iterator[str]:
    """Write a value in lines; the caller puts the first one behind its key or dash."""
    indent = "  " * depth
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _hung(f"{indent}{_quoted(name)}:", inner, depth)
    elif isinstance(value, list) and value:
        for inner in value:
            yield from _hung(f"{indent}-", inner, depth)
    else:
        yield indent + _quoted(value)


def _hung(head: str, value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, dict | list) and value:
        yield head
        yield from _lines(value, depth + 1)
    elif isinstance(value, str) and _as_block(value):
        end = value.endswith("\n")
        yield f"{head} |2{'' if end else '-'}"
        pad = "  " * depth + "  "
        yield from (pad + line if line else "" for line in value.removesuffix("\n").split("\n"))
    else:
        yield f"{head} {_quoted(value)}"


def _as_block(text: str) -> bool:
    """Whether a literal block gives the text back exactly, and is worth it."""
    lines = text.split("\n")
    tidy = all(line.isprintable() and line.isascii() for line in lines)
    return len(lines) > 1 and tidy and bool(lines[0].strip()) and not text.endswith("\n\n")


def _quoted(value: Any) -> str:
    """Write a scalar, or an empty collection, as JSON that is YAML too."""
    text = json.dumps(value, ensure_ascii=False)
    return "".join(c if c.isprintable() else _escaped(c) for c in text)


def _escaped(char: str) -> str:
    code = ord(char)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
