"""Values made from schemas, checked by decoding them as the type that the schema came from."""

from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec import Meta

from hekaton_runtime.answers import TYPES
from hekaton_runtime.models.simulated.generate import Impossible, example


class Tree(msgspec.Struct, frozen=True):
    name: str
    children: tuple["Tree", ...] = ()
    left: "Tree | None" = None


class Wide(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    tree: Tree
    pair: tuple[int, str]
    many: Annotated[list[Annotated[int, Meta(gt=2)]], Meta(min_length=3)]
    odd: Annotated[int, Meta(ge=10, le=20, multiple_of=7)]
    low: Annotated[float, Meta(lt=-1.5)]
    share: Annotated[float, Meta(gt=0, lt=1)]
    kind: Literal["a", "b"] | None
    letter: Annotated[str, Meta(pattern="^[A-Z]$")]
    long: Annotated[str, Meta(min_length=50)]
    short: Annotated[str, Meta(max_length=3)]
    flag: bool
    nothing: None
    table: dict[str, int]
    anything: Any


@pytest.mark.parametrize("kind", [*TYPES.values(), Tree, Wide], ids=lambda kind: kind.__name__)
def test_what_is_made_is_of_the_type(kind: type) -> None:
    made = example(msgspec.json.schema(kind))
    assert msgspec.json.decode(msgspec.json.encode(made), type=kind, strict=True)


@settings(deadline=None)
@given(
    st.integers(-100, 100) | st.none(), st.integers(-100, 100) | st.none(),
    st.booleans(), st.booleans(), st.integers(1, 9),
)  # fmt: skip
def test_a_whole_number_within_its_bounds_is_found_if_there_is_one(
    low: int | None, high: int | None, above: bool, below: bool, step: int
) -> None:
    node: dict[str, Any] = {"type": "integer", "multipleOf": step}
    if low is not None:
        node["exclusiveMinimum" if above else "minimum"] = low
    if high is not None:
        node["exclusiveMaximum" if below else "maximum"] = high
    least = -200 if low is None else low + above
    most = 200 if high is None else high - below
    fits = [n for n in range(least, most + 1) if n % step == 0]
    assume(fits or least > most or most - least < step)
    if fits:
        assert example(node) in fits
    else:
        with pytest.raises(Impossible):
            example(node)


@pytest.mark.parametrize(
    ("schema", "made"),
    [
        ({}, "SIMULATED"),
        ({"const": 4}, 4),
        ({"enum": [None, 1]}, None),
        ({"type": ["null", "string"]}, None),
        ({"anyOf": [{"$ref": "#"}, {"type": "integer"}]}, 0),
        ({"oneOf": [{"enum": []}, {"type": "boolean"}]}, False),
        ({"type": "object", "properties": {"a": {"type": "null"}}}, {"a": None}),
        (
            {
                "allOf": [
                    {"properties": {"a": {"const": 1}}, "required": ["a"]},
                    {"$ref": "#/$defs/b~1c"},
                ],
                "$defs": {"b/c": {"properties": {"b": {"const": 2}}, "required": ["b"]}},
            },
            {"a": 1, "b": 2},
        ),
    ],
)
def test_schemas_are_met_with_the_simplest_value(schema: dict[str, Any], made: object) -> None:
    assert example(schema) == made


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"$ref": "#/$defs/none"},
        {"$ref": "http://127.0.0.1/other"},
        {"type": "colour"},
        {"type": "string", "pattern": "^x{7}$"},
        {"type": "string", "pattern": "("},
        {"type": "string", "minLength": 10**9},
        {"type": "array", "items": {"$ref": "#"}, "minItems": 9},
        {"type": "array", "items": False, "minItems": 1},
        {"anyOf": [{"enum": []}]},
        {"type": "number", "exclusiveMinimum": 1, "maximum": 1},
    ],
)
def test_what_cannot_be_met_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(Impossible):
        example(schema)
