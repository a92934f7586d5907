"""Text that can be kept: no field takes U+0000.

YAML and JSON can write that character, but no argument of a program and no text or JSON of PostgreSQL
can hold it. Each kind of text that no pattern keeps it out of carries `NoNul`, for both languages.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, JsonValue
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from hekaton_api.cel import Cel, ruled
from hekaton_api.problems import Problem, refuse

NUL = "\0"
HOLDS = "holds a NUL character, which no database or command line can hold"
REMEDY = "Remove it."
RULE = Cel(r"!self.contains('\x00')", f"{HOLDS}. {REMEDY}")


@dataclass(frozen=True, slots=True)
class NoNul:
    """Stands last in an annotation of a text."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(_kept, handler(source))

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return ruled(handler(core), (RULE,))


def _kept(text: str) -> str:
    if NUL in text:
        refuse([Problem((), HOLDS, REMEDY)])
    return text


def kept_whole(value: JsonValue) -> JsonValue:
    """The same for a value that nobody interprets, at any depth, and for halves of characters."""
    for text in _texts(value):
        _kept(text)
        if any("\ud800" <= letter <= "\udfff" for letter in text):
            refuse([Problem((), "is not valid Unicode", "Remove it.")])
    return value


def _texts(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
