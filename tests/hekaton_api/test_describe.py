"""The models describe themselves: people and the CRDs read the same sentences."""

from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic.fields import FieldInfo

from hekaton_api.fields import Part
from hekaton_api.formation import Formation
from hekaton_api.mission import Mission


def models(root: type[Part]) -> Iterator[type[Part]]:
    yield root
    for field in root.model_fields.values():
        yield from (m for inner in parts(field.annotation) for m in models(inner))


def parts(annotation: Any) -> Iterator[type[Part]]:
    if isinstance(annotation, type) and issubclass(annotation, Part):
        yield annotation
    for inner in get_args(annotation):
        yield from parts(inner)


def every_field() -> list[tuple[str, FieldInfo]]:
    found = {model for root in (Formation, Mission) for model in models(root)}
    fields = [(m.__name__, n, f) for m in found for n, f in m.model_fields.items()]
    return sorted(((f"{model}.{name}", field) for model, name, field in fields), key=lambda f: f[0])


@pytest.mark.parametrize(("name", "field"), every_field(), ids=lambda v: str(v)[:40])
def test_every_field_says_what_it_means(name: str, field: FieldInfo) -> None:
    text = field.description
    assert text, f"{name} has no description"
    assert len(text) > 15
    assert text.rstrip().endswith(".")


@pytest.mark.parametrize(("name", "field"), every_field(), ids=lambda v: str(v)[:40])
def test_every_field_says_its_default_or_that_it_is_required(name: str, field: FieldInfo) -> None:
    text = " ".join((field.description or "").split())
    default = field.default
    if field.is_required():
        assert "Required." in text, name
    elif isinstance(default, int | float | str):
        assert f"Default {spelled(default)}." in text, name
    elif default is not None:
        assert "Default" in text, name


def spelled(default: bool | int | float | str) -> str:
    if isinstance(default, bool):
        return str(default).lower()
    return (default or "empty") if isinstance(default, str) else f"{default:g}"


def bounded(schema: dict[str, Any], defs: dict[str, Any]) -> Iterator[str]:
    kind = schema.get("type")
    if kind == "array" and "maxItems" not in schema:
        yield f"list without maxItems: {schema}"
    if kind == "string" and not {"maxLength", "enum", "const"} & set(schema):
        yield f"text without maxLength: {schema}"
    if kind in ("integer", "number") and "maximum" not in schema:
        yield f"number without maximum: {schema}"
    if kind == "object" and "properties" not in schema and "maxProperties" not in schema:
        yield f"map without maxProperties: {schema}"
    inner = [*schema.get("properties", {}).values(), *schema.get("anyOf", ())]
    inner += [each for each in [schema.get("items")] if each]
    for each in inner:
        yield from bounded(each, defs)


@pytest.mark.parametrize("root", [Formation, Mission])
def test_every_list_text_and_number_has_an_upper_bound(root: type[Part]) -> None:
    schema = root.model_json_schema(by_alias=True)
    defs = schema["$defs"]
    opaque = {"JsonValue"}
    every = [schema, *(each for name, each in defs.items() if name not in opaque)]
    assert [fault for each in every for fault in bounded(each, defs)] == []
