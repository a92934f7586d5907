"""Documents a step or three away from right ones, for whom a schema says what could stand where."""

import copy
import functools
import json
from typing import Any

from hypothesis import strategies as st

Node = dict[str, Any]

TEXTS = (
    "", " ", "a", "b", "A", "auto", "big", "far", "tiny", "x" * 63, "x" * 64, "x" * 253, "x" * 254,
    "a-b", "-a", "a.b", "1.10", "on", "0", "\u00e9", "\u2003", "a\u00a0b", "a\u0085b", "a\x0bb",
    "a\x1cb", "\x1c", "\x1f \t", "\ufeff", "a\n", "\na", "\x00", "a\x00b", "a\x7f",
    "\u0663s", "\uff11s", "http://h/\x00", "ssh://h/\x00",
    "http://h/v1", "https://h", "http://h\u00a0/v1", "http://h/\u2028", "http://h\x0b/v1",
    "http://me@h/", "http://h?q", "http://\u00e9/v1", "https://h/x.git", "git@h:x", "/srv/x.git",
    "ssh://h/x", "ssh://h:22/x", "ssh://-h/x", "ssh://h\u2003/x", "-x@h:y", "HEAD", "feat/x",
    "a..b", "a.lock", "1h", "0s", "0h0m", "1h30m", "8784h", "8784h1s", "999999h999999m99999999s",
    "1s1h", "1.5h", "1 h", "s", "90", "a/b", "a//b", "/a", "a/", "./a", "..", "a/../b", "...",
    ".git", "x/.GIT/y", ".gitignore", ".g\u0131t", "src", "src/a.py", "SRC", "kubernetes.io/arch",
    "a b", "GEMINI_API_KEY", "9K", "true", "null", "vllm", "core",
)  # fmt: skip
NUMBERS = (
    0, 1, -1, 2, 3, 4, 7168, 7169, 8192, 63, 64, 65, 1.0, 2.0, 0.5, 1.5, 0.1, 0.3, 0.1 + 0.2, -0.0,
    1e-6, 1e-7, 0.0000015, 2.5000001, 123456.654321, 999999.999999, 999999.9999995, 1e300, 5e-324,
    2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), True, "1", "0.5",
)  # fmt: skip


def bounds(node: Node) -> list[Any]:
    """Numbers on and beside the bounds that the schema names."""
    found = [node[name] for name in ("minimum", "maximum", "default") if name in node]
    return [each + step for each in found if not isinstance(each, str) for step in (-1, 0, 1)]


def leaves(node: Node) -> st.SearchStrategy[Any]:
    """Values of the node's type, right and wrong."""
    if "enum" in node:
        return st.sampled_from([*node["enum"], "", node["enum"][0].upper()])
    match node.get("type"):
        case "string":
            long = [("y" * length) for length in _lengths(node)]
            return st.sampled_from([*TEXTS, *long]) | st.text(max_size=8)
        case "boolean":
            return st.sampled_from([True, False, "true", 1])
        case _:
            some = st.sampled_from([*NUMBERS, *bounds(node)])
            return some | st.integers(0, 10_000) | st.floats(0, 2)


def _lengths(node: Node) -> list[int]:
    limit = node.get("maxLength", 0)
    return [limit, limit + 1] if limit <= 300_000 else []


def values(node: Node) -> st.SearchStrategy[Any]:
    """Anything that could stand here, whole objects and lists as well; sometimes what cannot."""
    return _values(json.dumps(node))


@functools.cache
def _values(text: str) -> st.SearchStrategy[Any]:
    """The same by the node's text, since making a strategy costs more than drawing from it."""
    node = json.loads(text)
    strange = st.sampled_from([None, {}, [], "", 0, ["a"], {"a": "b"}])
    if "properties" in node:
        needed = {name: values(node["properties"][name]) for name in node.get("required", ())}
        rest = {n: values(v) for n, v in node["properties"].items() if n not in needed}
        good: st.SearchStrategy[Any] = st.fixed_dictionaries(needed, optional=rest)
    elif "additionalProperties" in node:
        inner = values(node["additionalProperties"])
        good = st.dictionaries(st.sampled_from(TEXTS) | st.text(max_size=4), inner, max_size=3)
    elif "items" in node:
        entry = st.deferred(lambda: values(node["items"]))
        good = st.lists(entry, max_size=3) | st.builds(_many, entry, st.just(node))
    else:
        good = leaves(node)
    return st.integers(0, 7).flatmap(lambda draw: good if draw else strange)


def fresh(draw: st.DrawFn, node: Node) -> Any:
    """A value that nothing else holds, to be changed in place later."""
    return copy.deepcopy(draw(values(node)))


def _many(entry: Any, node: Node) -> list[Any]:
    """As many equal entries as fit, or one more."""
    return [copy.deepcopy(entry) for _ in range(node.get("maxItems", 64) + 1)]


@st.composite
def mutated(draw: st.DrawFn, document: Node, schema: Node) -> Node:
    """The document with up to three places of its spec changed."""
    document = copy.deepcopy(document)
    for _ in range(draw(st.integers(0, 3))):
        _change(draw, document["spec"], schema)
    return document


def _change(draw: st.DrawFn, here: Any, node: Node) -> None:
    """Change one place within a value, which is an object, a map or a list."""
    while True:
        key, inner = _place(draw, here, node)
        old = here[key] if isinstance(here, list) and key < len(here) else None
        old = here.get(key) if isinstance(here, dict) else old
        inside = isinstance(old, list) or (isinstance(old, dict) and "type" in inner)
        if inside and inner.get("type") in ("object", "array") and draw(st.integers(0, 4)):
            here, node = old, inner
            continue
        break
    if isinstance(here, list):
        _change_list(draw, here, key, inner)
    elif key in here and not draw(st.integers(0, 4)):
        del here[key]
    else:
        here[key] = fresh(draw, inner)


def _place(draw: st.DrawFn, here: Any, node: Node) -> tuple[Any, Node]:
    """A key of the value, there or possible, and the schema of what stands under it."""
    if isinstance(here, list):
        return draw(st.integers(0, len(here))), node.get("items", {})
    if "properties" in node:
        key = draw(st.sampled_from([*sorted(node["properties"]), *sorted(here), "unknown"]))
        return key, node["properties"].get(key, {"type": "string"})
    return draw(st.sampled_from([*sorted(here), *TEXTS])), node.get("additionalProperties", {})


def _change_list(draw: st.DrawFn, here: list[Any], key: int, inner: Node) -> None:
    """Replace, double, remove or add an entry."""
    if key < len(here) and not draw(st.integers(0, 3)):
        del here[key]
    elif here and not draw(st.integers(0, 3)):
        here.append(copy.deepcopy(here[0]))
    elif key < len(here):
        here[key] = fresh(draw, inner)
    else:
        here.append(fresh(draw, inner))
