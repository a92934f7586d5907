"""Make a small valid value for any common JSON schema, so that every request gets an answer. Pure.

Known words: type, properties, required, items, prefixItems, minItems, enum, const, $ref, anyOf,
oneOf, allOf, the bounds of numbers and the lengths of strings; of patterns only easy ones.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LABEL = "SIMULATED"
MAX_DEPTH = 48
MAX_NODES = 5_000
_GUESSES = (LABEL, "simulated", "A", "a", "0", "1", "00", "0000", "2000-01-01", "a.a", "a/a", "")
"""Tried in order against a pattern."""


class Impossible(ValueError):
    """This generator finds no value for the schema."""


@dataclass(slots=True)
class _Work:
    """The whole schema, for references, and how many nodes may still be made."""

    root: Mapping[str, Any]
    left: int = MAX_NODES


def example(schema: Mapping[str, Any]) -> Any:
    """Make a value that the schema allows; raises `Impossible`."""
    return _make(_Work(schema), schema, 0)


def _make(work: _Work, node: Any, depth: int) -> Any:
    work.left -= 1
    if depth > MAX_DEPTH or work.left < 0:
        raise Impossible("the schema is nested without end or too large")
    if not isinstance(node, Mapping):
        if node is False:
            raise Impossible("the schema 'false' allows nothing")
        return LABEL
    node = _merged(work, node, depth)
    if "const" in node:
        return node["const"]
    if "enum" in node:
        return _first_of(node["enum"])
    branches = node.get("anyOf") or node.get("oneOf")
    if branches:
        return _any(work, branches, depth)
    return _typed(work, node, depth)


def _merged(work: _Work, node: Mapping[str, Any], depth: int) -> Mapping[str, Any]:
    """Follow `$ref` and join `allOf` into one schema."""
    parts = list(node.get("allOf", ()))
    if "$ref" in node:
        parts.append(_referred(work.root, node["$ref"]))
    if not parts:
        return node
    if depth > MAX_DEPTH:
        raise Impossible("references go round in a circle")
    own = {name: value for name, value in node.items() if name not in ("$ref", "allOf")}
    whole: dict[str, Any] = {}
    for part in (*(_merged(work, part, depth + 1) for part in parts), own):
        properties = {**whole.get("properties", {}), **part.get("properties", {})}
        required = [*whole.get("required", ()), *part.get("required", ())]
        whole.update(part)
        if properties:
            whole["properties"] = properties
        if required:
            whole["required"] = list(dict.fromkeys(required))
    return whole


def _referred(root: Mapping[str, Any], ref: str) -> Mapping[str, Any]:
    if not ref.startswith("#"):
        raise Impossible(f"$ref {ref!r} lies outside of the schema")
    found: Any = root
    for step in ref[1:].strip("/").split("/") if ref.strip("#/") else ():
        name = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(found, Mapping) or name not in found:
            raise Impossible(f"$ref {ref!r} leads nowhere")
        found = found[name]
    if not isinstance(found, Mapping):
        raise Impossible(f"$ref {ref!r} names no schema")
    return found


def _first_of(values: Sequence[Any]) -> Any:
    if not values:
        raise Impossible("an empty enum allows nothing")
    return values[0]


def _any(work: _Work, branches: Sequence[Any], depth: int) -> Any:
    """Take the first branch that works, those without references before the others."""
    plain_first = sorted(branches, key=lambda branch: "$ref" in branch)
    for branch in plain_first:
        try:
            return _make(work, branch, depth + 1)
        except Impossible:
            continue
    raise Impossible("no branch of an anyOf can be met")


def _typed(work: _Work, node: Mapping[str, Any], depth: int) -> Any:
    kind = node.get("type") or ("object" if "properties" in node else "string")
    match kind if isinstance(kind, str) else _first_of(kind):
        case "object":
            return _object(work, node, depth)
        case "array":
            return _array(work, node, depth)
        case "integer":
            return int(_number(node, 1))
        case "number":
            return _number(node, 0)
        case "boolean":
            return False
        case "null":
            return None
        case "string":
            return _string(node)
        case other:
            raise Impossible(f"type {other!r} is unknown")


def _object(work: _Work, node: Mapping[str, Any], depth: int) -> dict[str, Any]:
    properties = node.get("properties", {})
    names = node["required"] if "required" in node else tuple(properties)
    return {name: _make(work, properties.get(name, True), depth + 1) for name in names}


def _array(work: _Work, node: Mapping[str, Any], depth: int) -> list[Any]:
    firsts = node.get("prefixItems", ())
    made = [_make(work, item, depth + 1) for item in firsts]
    rest = node.get("items", True)
    missing = range(len(made), node.get("minItems", 0))
    return made + [_make(work, rest, depth + 1) for _ in missing]


def _number(node: Mapping[str, Any], step: int) -> float:
    """Take the allowed number nearest to 0; a whole one if `step` is 1."""
    multiple = node.get("multipleOf", step)
    low, high = node.get("minimum", -math.inf), node.get("maximum", math.inf)
    above, below = node.get("exclusiveMinimum", -math.inf), node.get("exclusiveMaximum", math.inf)
    floor, ceiling = max(low, above), min(high, below)
    value: float = 0
    if not multiple:
        value = _between(floor, ceiling)
    elif floor > 0 or (floor == 0 and above == 0):
        value = math.ceil(floor / multiple) * multiple
        value += multiple if value <= above else 0
    elif ceiling < 0 or (ceiling == 0 and below == 0):
        value = math.floor(ceiling / multiple) * multiple
        value -= multiple if value >= below else 0
    if not (low <= value <= high and above < value < below):
        raise Impossible("no number lies within the bounds")
    return value


def _between(floor: float, ceiling: float) -> float:
    if floor < 0 < ceiling:
        return 0
    if math.isinf(floor):
        return 0 if math.isinf(ceiling) else ceiling - 1
    if math.isinf(ceiling):
        return floor + 1
    return floor if floor == ceiling else (floor + ceiling) / 2


def _string(node: Mapping[str, Any]) -> str:
    least, most = node.get("minLength", 0), node.get("maxLength", math.inf)
    if least > 1_000_000:
        raise Impossible(f"minLength {least} is too long")
    guesses: list[str] = [guess for guess in _GUESSES if least <= len(guess) <= most]
    if pattern := node.get("pattern"):
        return _matching(pattern, guesses)
    if guesses:
        return guesses[0]
    if least > most:
        raise Impossible("minLength is above maxLength")
    return (LABEL * (int(least) // len(LABEL) + 1))[: int(least)]


def _matching(pattern: str, guesses: Sequence[str]) -> str:
    try:
        return next(guess for guess in guesses if re.search(pattern, guess))
    except StopIteration:
        raise Impossible(f"no text is known that matches {pattern!r}") from None
    except re.error as fault:
        raise Impossible(f"the pattern {pattern!r} cannot be read ({fault})") from fault
