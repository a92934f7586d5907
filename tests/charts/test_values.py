"""Each value of the chart is described, defaults to something its schema allows, and does something."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

CHART = Path(__file__).resolve().parents[2] / "charts" / "hekaton"
VALUES = YAML(typ="safe", pure=True).load((CHART / "values.yaml").read_text())
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
TEMPLATES = "".join(path.read_text() for path in (CHART / "templates").rglob("*.*"))
OF_HELM = {"global"}  # what Helm itself adds when the chart is part of another


def paths(values: dict[str, Any], schema: dict[str, Any], at: str = "") -> Iterator[str]:
    """Every value by its path, as far as the schema names the parts of a mapping."""
    for name, value in values.items():
        inner = schema.get("properties", {}).get(name, {})
        if isinstance(value, dict) and "properties" in inner and name != "resources":
            yield from paths(value, inner, f"{at}.{name}")
        else:
            yield f"{at}.{name}"


def parts(schema: dict[str, Any], at: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every part of the schema by its path."""
    yield at, schema
    for name, inner in schema.get("properties", {}).items():
        yield from parts(inner, f"{at}.{name}")


def test_values_and_schema_name_the_same_things() -> None:
    def same(values: dict[str, Any], schema: dict[str, Any], at: str) -> None:
        assert set(values) == set(schema["properties"]) - (set() if at else OF_HELM), at
        for name, value in values.items():
            inner = schema["properties"][name]
            if isinstance(value, dict) and "properties" in inner and name != "resources":
                same(value, inner, f"{at}.{name}")

    same(VALUES, SCHEMA, "")


def test_nothing_unknown_is_let_through() -> None:
    open_parts = [
        at
        for at, schema in parts(SCHEMA)
        if "properties" in schema and schema.get("additionalProperties") is not False
    ]
    assert open_parts == []


def test_every_value_is_described_in_a_sentence() -> None:
    top = [(at, schema) for at, schema in parts(SCHEMA) if at]
    bare = [at for at, schema in top if not schema.get("description", "").endswith(".")]
    assert bare == []


def test_every_value_is_used() -> None:
    through = TEMPLATES.replace("$images.", ".Values.images.")
    assert [path for path in paths(VALUES, SCHEMA) if f".Values{path}" not in through] == []


def test_every_value_that_is_used_exists() -> None:
    named = set(re.findall(r"\.Values((?:\.\w+)+)", TEMPLATES))
    known = {at for at, _ in parts(SCHEMA)}
    assert named - known == set()
