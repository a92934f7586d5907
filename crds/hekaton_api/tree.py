"""YAML text to plain values that know their lines.

The positions are the start marks of ruamel's node graph, from which its `lc` is made. The graph is
read rather than ruamel's round-trip objects because those keep the first of two equal keys without
a trace, turn dates into objects, and stop at the first fault. Documents are split as kubectl does,
before parsing, so that a broken one does not hide the next.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.resolver import VersionedResolver
from ruamel.yaml.tag import Tag

from hekaton_api.scalars import plain

Path: TypeAlias = tuple[str | int, ...]
PREFIX = "tag:yaml.org,2002:"
PLAIN = "plain"
MAX_DEPTH = 64
BURROW = re.compile(r"(?:[\[{]\s*){1000}")
"""So many brackets in a row: ruamel needs seconds to find out that this is too deep."""
MAX_NODES = 20_000
"""Nodes after aliases are followed: more is an attack, or not a document for the API server."""
SYNTAX = (
    ("\t", "Indent with spaces; YAML allows no tabs there."),
    (
        "mapping values are not allowed",
        "Put text that holds ': ' in quotes, or mend the indentation.",
    ),
    ("expected ':'", "Write 'name: value', with a space after the colon."),
    ("expected <block end>", "Line up the entries of one block in the same column."),
    ("cannot start any token", "Put text that begins with this character in quotes."),
    ("undefined alias", "Define the anchor first, or put text that begins with '*' in quotes."),
    ("quoted scalar", "Close the quotes."),
    ("flow", "Close every '[' with ']' and every '{' with '}', with commas between the entries."),
    ("directive", "Remove the line that begins with '%'."),
    ("document start", "Remove lines that begin with '%'; begin a new document with '---'."),
)
"""What ruamel says, and what to do."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with the YAML itself."""

    line: int
    at: Path
    value: str
    problem: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands, and its text if it is a scalar."""

    line: int
    raw: str | None


@dataclass(frozen=True, slots=True)
class Document:
    """One document: its value, the places of its parts, and its faults."""

    line: int
    value: Any
    places: Mapping[Path, Place]
    faults: tuple[Fault, ...]

    def line_of(self, path: Path) -> int:
        """The line of a field, or of the nearest thing around it."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places[path].line if path in self.places else self.line

    def raw(self, path: Path) -> str | None:
        """The text of a scalar as it stands in the file; None for anything else."""
        return self.places[path].raw if path in self.places else None


class _Resolver(VersionedResolver):
    """Marks unquoted scalars, which this module reads itself."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Tag:
        if kind is ScalarNode:
            return Tag(suffix=PLAIN if implicit[0] else PREFIX + "str")
        return Tag(suffix=PREFIX + ("seq" if kind is SequenceNode else "map"))


def documents(text: str) -> Iterator[Document]:
    """Every document that is not empty, in order."""
    for first, chunk in _chunks(text.removeprefix("\ufeff")):
        yield from _document(first, chunk)


def _chunks(text: str) -> Iterator[tuple[int, str]]:
    """Split at lines of '---' with nothing but a comment behind; each with its first line."""
    start, lines = 1, list[str]()
    for number, line in enumerate(text.split("\n"), 1):
        rest = line[3:].strip()
        if line.startswith("---") and (not rest or rest.startswith("#")):
            yield start, "\n".join(lines)
            start, lines = number + 1, []
        else:
            lines.append(line)
    yield start, "\n".join(lines)


def _document(first: int, chunk: str) -> Iterator[Document]:
    try:
        nodes = list(_compose(chunk))
    except RecursionError:
        fault = Fault(first, (), "", "is nested too deeply", f"Use at most {MAX_DEPTH} levels.")
        yield Document(first, None, {}, (fault,))
        return
    except (YAMLError, ValueError) as error:
        yield Document(first, None, {}, (_syntax(first, chunk, error),))
        return
    if len(nodes) > 1:
        line = first + nodes[1].start_mark.line
        remedy = "Begin it with a line '---'; kubectl would ignore it."
        yield Document(line, None, {}, (Fault(line, (), "", "is a second document", remedy),))
    elif nodes:
        reader = _Reader(first)
        value = reader.read(nodes[0], (), 0)
        if reader.left < 0:
            value = None  # what was left out would only look as if it were missing
        if value is not None or reader.faults:
            line = first + nodes[0].start_mark.line
            yield Document(line, value, reader.places, tuple(reader.faults))


def _compose(chunk: str) -> Iterator[Node]:
    if BURROW.search(chunk):
        raise RecursionError("too many brackets in a row")
    yaml = YAML(typ="safe", pure=True)
    yaml.Resolver = _Resolver
    yaml.composer.warn_double_anchors = False
    yield from yaml.compose_all(chunk)


def _syntax(first: int, chunk: str, error: YAMLError | ValueError) -> Fault:
    """Where the text stops being YAML. The text itself is not quoted: it may hold a secret."""
    line, column, said, around = 0, 0, "text that cannot be read", ""
    if isinstance(error, MarkedYAMLError) and (mark := error.problem_mark or error.context_mark):
        line, column = mark.line, mark.column
        said = (error.problem or error.context or said).replace("('<", "<").replace(">',)", ">")
        around = f"{error.context} {said}".replace("'\\t'", "\t")
    elif isinstance(error, ReaderError):
        before = chunk[: error.position]
        line, column = before.count("\n"), len(before) - (before.rfind("\n") + 1)
        said = "a character that may not stand in YAML"
    remedies = (remedy for sign, remedy in SYNTAX if sign in around)
    remedy = next(remedies, "Mend this place; look at the line above it too.")
    return Fault(first + line, (), "", f"is not YAML at column {column + 1}: {said}", remedy)


@dataclass(slots=True)
class _Reader:
    """Walks one node graph once; keeps places and faults on the way."""

    first: int
    places: dict[Path, Place] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    left: int = MAX_NODES
    above: list[Node] = field(default_factory=list)

    def read(self, node: Node, path: Path, depth: int) -> Any:
        """The plain value of a node; None where it has a fault."""
        if not self.room(node, path, depth):
            return None
        line = self.places[path].line if path in self.places else self.line(node)
        self.places[path] = Place(line, node.value if isinstance(node, ScalarNode) else None)
        if isinstance(node, ScalarNode):
            return self.scalar(node, path)
        self.above.append(node)
        value = self.inner(node, path, depth)
        self.above.pop()
        return value

    def inner(self, node: Node, path: Path, depth: int) -> Any:
        """The value of what has parts."""
        if isinstance(node, MappingNode):
            return self.mapping(node, path, depth)
        if isinstance(node, SequenceNode):
            items = enumerate(node.value)
            return tuple(self.read(item, (*path, i), depth + 1) for i, item in items)
        return None

    def room(self, node: Node, path: Path, depth: int) -> bool:
        """Whether the document is still of a sane size; says once when it is not."""
        if self.left < 0:
            return False
        if node in self.above:
            remedy = "Remove the alias, or let it name a value that it is no part of."
            self.fault(node, path, "", "is an alias of what it stands in", remedy)
        elif self.left == 0 or depth > MAX_DEPTH:
            remedy = f"Use at most {MAX_DEPTH} levels and {MAX_NODES} values; mind the aliases."
            self.fault(node, path, "", "is too large or nested too deeply", remedy)
        else:
            self.left -= 1
            return True
        self.left = -1
        return False

    def line(self, node: Node) -> int:
        return self.first + int(node.start_mark.line)

    def fault(self, node: Node, path: Path, value: str, problem: str, remedy: str) -> None:
        self.faults.append(Fault(self.line(node), path, value, problem, remedy))

    def mapping(self, node: MappingNode, path: Path, depth: int) -> dict[str, Any]:
        """The entries as plain values; the place of each is that of its key."""
        values = {}
        for name, (key, value) in self.entries(node, path, depth).items():
            self.places[*path, name] = Place(self.line(key), None)
            values[name] = self.read(value, (*path, name), depth + 1)
        return values

    def entries(self, node: Node, path: Path, depth: int) -> dict[str, tuple[Node, Node]]:
        """Keys and values by name, own ones before merged ones; a key given twice is a fault."""
        if not isinstance(node, MappingNode):
            remedy = "Let '<<' name an anchor of a mapping."
            self.fault(node, path, "", "merges what is no mapping", remedy)
            return {}
        own: dict[str, tuple[Node, Node]] = {}
        merged: list[Node] = []
        for key, value in node.value:
            if str(key.tag) == PLAIN and key.value == "<<":
                merged += value.value if isinstance(value, SequenceNode) else [value]
                continue
            name = self.key(key, path)
            if name in own:
                first = f"is given twice; the first is in line {self.line(own[name][0])}"
                self.fault(key, (*path, name), repr(name[:80]), first, "Keep one of the two.")
            elif name is not None:
                own[name] = (key, value)
        for other in merged:
            if self.room(other, path, depth):
                for name, pair in self.entries(other, path, depth + 1).items():
                    own.setdefault(name, pair)
        return own

    def key(self, node: Node, path: Path) -> str | None:
        """A key as text, as JSON needs it."""
        if not isinstance(node, ScalarNode) or (
            str(node.tag) == PLAIN and plain(node.value) is None
        ):
            self.fault(node, path, "", "has a key that is no text", "Use plain words as keys.")
            return None
        value = self.scalar(node, path)
        if isinstance(value, bool):
            return str(value).lower()
        return node.value if isinstance(value, float) else str(value)

    def scalar(self, node: ScalarNode, path: Path) -> Any:
        """A scalar as kubectl reads it, an explicit tag obeyed."""
        kind = str(node.tag).removeprefix(PREFIX)
        if kind in ("str", "timestamp"):
            return node.value
        value = plain(node.value)
        fits = {
            PLAIN: True,
            "null": value is None,
            "bool": isinstance(value, bool),
            "int": isinstance(value, int) and not isinstance(value, bool),
            "float": isinstance(value, int | float) and not isinstance(value, bool),
        }
        if not fits.get(kind, False):
            remedy = "Remove the tag, the word that begins with '!'."
            self.fault(node, path, "", "has a tag that cannot be used here", remedy)
            return None
        if isinstance(value, float) and value - value != 0:
            self.fault(node, path, node.value[:80], "is not a number", "Give a finite number.")
            return None
        return value
