"""The CRDs: the files are those that the types make, and nothing of the types is lost in them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hekaton_api.cel import Cel
from hekaton_api.fields import URL
from hekaton_api.formation import Formation
from hekaton_api.mission import Mission
from hekaton_api.schema.definitions import formations, missions, schema
from hekaton_api.schema.files import texts
from hekaton_api.schema.structural import Schema, spelled, structural

CRDS = Path(__file__).resolve().parents[2] / "crds"
KINDS = pytest.mark.parametrize("kind", [Formation, Mission])


def nodes(node: Schema, path: str = "") -> Iterator[tuple[str, Schema]]:
    """Every node of a schema with its path."""
    yield path, node
    for name, inner in node.get("properties", {}).items():
        yield from nodes(inner, f"{path}.{name}")
    for name in ("items", "additionalProperties"):
        if name in node:
            yield from nodes(node[name], f"{path}[]")


@pytest.mark.parametrize("name", ["formations.yaml", "missions.yaml"])
def test_the_files_are_those_that_make_crds_writes(name: str) -> None:
    assert (CRDS / name).read_text() == texts()[name], "Run `make crds`."


@KINDS
def test_every_node_is_bounded_and_of_one_type(kind: type[Formation | Mission]) -> None:
    limits = {"string": ("maxLength", "enum"), "array": ("maxItems",)}
    limits |= {"integer": ("maximum",), "number": ("maximum",)}
    for path, node in nodes(schema(kind)):
        assert isinstance(node["type"], str), path
        wanted = limits.get(node["type"], ())
        bounded = not wanted or any(limit in node for limit in wanted)
        assert bounded or path in (".apiVersion", ".kind"), f"{path} has no bound"
        assert "additionalProperties" not in node or "maxProperties" in node, path


@KINDS
def test_every_field_has_a_description(kind: type[Formation | Mission]) -> None:
    found = [each for each in nodes(schema(kind)) if "metadata" not in each[0]]
    silent = [path for path, node in found if "description" not in node and "[]" not in path[-2:]]
    assert silent == []


@KINDS
def test_the_server_fills_in_what_pydantic_fills_in(kind: type[Formation | Mission]) -> None:
    for path, node in nodes(schema(kind)["properties"]["spec"]):
        for name in set(node.get("properties", {})) - set(node.get("required", ())):
            inner = node["properties"][name]
            said = "Absent" in inner["description"] or "absent" in inner["description"]
            optional = said or inner["description"].startswith(("Key of a", "Name of an", "Base"))
            assert "default" in inner or optional or name in PLAIN, f"{path}.{name}"


PLAIN = frozenset(("model", "apiModel", "memoryGiB", "key", "value"))
"""Fields that may be left out in some cases; their own words say in which."""


@KINDS
def test_a_status_defaults_to_nothing_but_that_nobody_has_looked(
    kind: type[Formation | Mission],
) -> None:
    status = schema(kind)["properties"]["status"]
    assert status["default"] == {"observedGeneration": -1}
    assert [path for path, node in nodes(status) if "default" in node] == [""]


def test_lists_of_named_things_are_maps() -> None:
    maps = {
        f"{kind.__name__}{path}": node["x-kubernetes-list-map-keys"]
        for kind in (Formation, Mission)
        for path, node in nodes(schema(kind))
        if node.get("x-kubernetes-list-type") == "map"
    }
    assert maps == {
        "Formation.spec.models": ["name"],
        "Formation.spec.roles": ["name"],
        "Formation.status.vramPlan.models": ["name"],
        "Formation.status.conditions": ["type"],
        "Mission.spec.workspace.files": ["path"],
        "Mission.spec.acceptance.files": ["path"],
        "Mission.status.conditions": ["type"],
    }


def test_rules_end_as_sentences_do() -> None:
    for kind in (Formation, Mission):
        for path, node in nodes(schema(kind)):
            for rule in node.get("x-kubernetes-validations", ()):
                assert rule["message"].endswith("."), (path, rule["message"])
                assert ". " in rule["message"], f"{path}: the remedy is missing"


def test_names_are_short_and_of_our_category() -> None:
    names = [each["spec"]["names"] for each in (formations(), missions())]
    assert [(each["shortNames"], each["categories"]) for each in names] == [
        (["fm"], ["hekaton"]),
        (["ms"], ["hekaton"]),
    ]


def test_columns_and_selectors_name_fields_that_exist() -> None:
    for definition in (formations(), missions()):
        (version,) = definition["spec"]["versions"]
        known = {path for path, _ in nodes(version["schema"]["openAPIV3Schema"])}
        known |= {".metadata.creationTimestamp"}
        columns = [each["jsonPath"] for each in version["additionalPrinterColumns"]]
        paths = [path.partition("[?")[0] for path in columns]
        paths += [each["jsonPath"] for each in version["selectableFields"]]
        scale = version["subresources"].get("scale", {})
        assert sorted({*paths, *scale.values()} - known) == []


@pytest.mark.parametrize(
    ("node", "words"),
    [
        ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, "2 alternatives"),
        ({"type": "string", "format": "uri"}, "'format'"),
        ({"type": "string", "pattern": r"^\w+$"}, "read apart"),
        ({"type": "string", "pattern": r"^\s+$"}, "read apart"),
    ],
)
def test_what_has_no_structural_form_is_an_error(node: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        structural(node, {})


def test_a_reference_keeps_the_words_of_the_field_that_makes_it() -> None:
    node = {"anyOf": [{"$ref": "#/$defs/A"}, {"type": "null"}], "description": "mine"}
    parts = {"A": {"type": "object", "title": "A", "description": "its own"}}
    assert structural({**node, "default": None}, parts) == {
        "description": "mine",
        "type": "object",
    }


def test_an_exclusive_bound_is_written_as_the_server_reads_it() -> None:
    node = {"type": "number", "exclusiveMinimum": 0}
    assert structural(node, {}) == {"type": "number", "minimum": 0, "exclusiveMinimum": True}


def test_blanks_in_a_pattern_are_those_of_unicode() -> None:
    assert r"\x{2003}" in spelled(URL) or r"\x{2000}-\x{200a}" in spelled(URL)
    assert r"\s" not in spelled(URL)


def test_a_rule_names_its_field_only_where_it_stands_elsewhere() -> None:
    assert Cel("a", "b").body() == {"rule": "a", "message": "b"}
    assert Cel("a", "b", at=".c").body()["fieldPath"] == ".c"
