"""docs/api.md is what the types make of it, and leaves no field, rule or version out."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hekaton_api.cel import RULES
from hekaton_api.schema.definitions import formations, missions
from hekaton_api.schema.reference import page

PAGE = Path(__file__).resolve().parents[2] / "docs" / "api.md"
KINDS = (formations(), missions())
by_kind = pytest.mark.parametrize(
    "definition", KINDS, ids=lambda each: str(each["spec"]["names"]["kind"])
)


def fields(node: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every field below a node, by its path."""
    for name, inner in node.get("properties", {}).items():
        yield f"{path}.{name}", inner
        yield from fields(inner, f"{path}.{name}")
    for name in ("items", "additionalProperties"):
        if isinstance(node.get(name), dict):
            yield from fields(node[name], f"{path}[]")


def test_the_page_is_as_it_is_made() -> None:
    assert PAGE.read_text() == page(), "run `make crds`"


@by_kind
def test_every_field_has_a_row_with_its_meaning(definition: dict[str, Any]) -> None:
    rows = page().splitlines()
    whole = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    named = [each for part in ("spec", "status") for each in fields(whole[part], part)]
    assert len(named) > 60
    bare = [
        path
        for path, node in named
        if not any(
            row.startswith(f"| `{path}` | ")
            and row.endswith(f"| {node['description'].replace('|', chr(92) + '|')} |")
            for row in rows
        )
    ]
    assert bare == []


@by_kind
def test_every_rule_is_told(definition: dict[str, Any]) -> None:
    text = page()
    whole = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    nodes = [whole, *(node for _, node in fields(whole, ""))]
    messages = {rule["message"] for node in nodes for rule in node.get(RULES, ())}
    assert messages
    assert sorted(message for message in messages if message.replace("|", "\\|") not in text) == []


@by_kind
def test_the_version_that_is_stored_is_named(definition: dict[str, Any]) -> None:
    kind = definition["spec"]["names"]["kind"]
    [version] = [each["name"] for each in definition["spec"]["versions"] if each["storage"]]
    assert f"| {kind} | `{version}` | yes | yes | None |" in page().splitlines()
