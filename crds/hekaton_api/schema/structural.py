"""JSON schema, as pydantic makes it, to the structural schema of a CRD. Pure.

Structural means: one type a node, no references, no alternatives. What cannot be said in that form
is an error here, so that nothing is lost in silence.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

from hekaton_api.cel import RULES, SPACE

Schema: TypeAlias = dict[str, Any]

KEPT = (
    "description",
    "type",
    "enum",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "maxProperties",
    "default",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    RULES,
)
"""Keywords that mean the same in both."""
DROPPED = frozenset(("title", "additionalProperties", "patternProperties", "propertyNames"))
"""What a structural schema does without: unknown fields are refused anyway, keys have a rule."""
MADE = frozenset(("$ref", "anyOf", "const", "exclusiveMinimum", "properties", "required", "items"))


def structural(node: Schema, parts: Mapping[str, Schema], *, defaults: bool = True) -> Schema:
    """The structural form of a node; `parts` holds what its references name."""
    node = _plain(node, parts)
    if unknown := sorted(set(node) - set(KEPT) - DROPPED - MADE):
        raise ValueError(f"The keyword {unknown[0]!r} has no structural form.")
    found = {name: node[name] for name in KEPT if name in node}
    if "description" in found:
        found["description"] = " ".join(found["description"].split())
    if not defaults or found.get("default", ...) is None:
        found.pop("default", None)
    if "pattern" in found:
        found["pattern"] = spelled(found["pattern"])
    found |= _bounds(node)
    return found | _inner(node, parts, defaults=defaults)


def _plain(node: Schema, parts: Mapping[str, Schema]) -> Schema:
    """The node with its reference followed and its alternative to null left out."""
    while "$ref" in node or "anyOf" in node:
        outer = {name: value for name, value in node.items() if name not in ("$ref", "anyOf")}
        if "$ref" in node:
            inner = parts[node["$ref"].rpartition("/")[2]]
        else:
            some = [each for each in node["anyOf"] if each != {"type": "null"}]
            if len(some) != 1:
                raise ValueError(f"{len(some)} alternatives have no structural form.")
            inner = some[0]
        node = {**inner, **outer}
    return node


def _bounds(node: Schema) -> Schema:
    """Bounds that the two write differently, and the width of whole numbers."""
    found: Schema = {}
    if node.get("type") == "integer":
        found["format"] = "int64"
    if "const" in node:
        found["enum"] = [node["const"]]
    if "exclusiveMinimum" in node:
        found |= {"minimum": node["exclusiveMinimum"], "exclusiveMinimum": True}
    return found


def _inner(node: Schema, parts: Mapping[str, Schema], *, defaults: bool) -> Schema:
    """The fields of an object, the values of a map, the entries of a list."""
    found: Schema = {}
    if fields := node.get("properties"):
        found["properties"] = {
            name: structural(inner, parts, defaults=defaults) for name, inner in fields.items()
        }
    if needed := node.get("required"):
        found["required"] = needed
    values = [*node.get("patternProperties", {}).values(), node.get("additionalProperties")]
    for value in (each for each in values if isinstance(each, dict)):
        found["additionalProperties"] = structural(value, parts, defaults=defaults)
    if "items" in node:
        found["items"] = structural(node["items"], parts, defaults=defaults)
    return found


def spelled(pattern: str) -> str:
    """The pattern in the API server's dialect, where `\\s` knows ASCII only."""
    written = pattern.replace(r"\s", SPACE)
    outside = pattern.replace(r"[^\s", "[^")
    if r"\s" in outside or r"\d" in pattern or r"\w" in pattern:
        raise ValueError(f"The pattern {pattern!r} uses a class that the two dialects read apart.")
    return written
