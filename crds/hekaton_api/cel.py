"""Rules in the API server's language (CEL), kept as data beside the Python rules they repeat.

A field's rule stands in its annotation, an object's rules in the class attribute `CEL`. From there
they pass into the JSON schema, and with it into the CRDs (`make crds`). A test on a real API server
holds both languages to the same answers.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from pydantic import GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

RULES = "x-kubernetes-validations"
SPACE = r"\t-\r\x20\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}"
"""What `\\s` means to pydantic within a class of characters; to the API server it is ASCII only."""
VISIBLE = rf"matches(r'[^\x1c-\x1f{SPACE}]')"
"""Call on a text: whether Python's `strip` leaves anything of it."""


@dataclass(frozen=True, slots=True)
class Cel:
    """One rule of a field or an object."""

    rule: str
    """True for what is allowed; `self` is the value, `oldSelf` what it was before an update."""
    message: str
    """What is wrong, to be read after the field, and what to do. Always the same words: the server
    takes a message that is put together from values for more costly than it allows."""
    at: str = ""
    """The field that is wrong, relative to the rule's, e.g. `.quorum`."""

    def body(self) -> dict[str, str]:
        """The rule as it stands in a CRD."""
        at = {"fieldPath": self.at} if self.at else {}
        return {"rule": self.rule, "message": self.message, **at}

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return ruled(handler(core), (self,))


ListKind: TypeAlias = Literal["map", "set"]


@dataclass(frozen=True, slots=True)
class Distinct:
    """Entries of a list differ: in the field `key`, or, without one, altogether."""

    key: str = ""

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        kind: ListKind = "map" if self.key else "set"
        keys: dict[str, Any] = {"x-kubernetes-list-map-keys": [self.key]} if self.key else {}
        return {**handler(core), "x-kubernetes-list-type": kind, **keys}


def ruled(schema: JsonSchemaValue, rules: Iterable[Cel]) -> JsonSchemaValue:
    """The schema with these rules after its own."""
    bodies = [*schema.get(RULES, ()), *(rule.body() for rule in rules)]
    return {**schema, RULES: bodies} if bodies else schema


def words(names: Iterable[str]) -> str:
    """A list of texts in CEL."""
    return f"[{', '.join(repr(name) for name in names)}]"
