"""The model all parts of the API share, and the kinds of strings and numbers they are made of.

Scalars are strict because the API server is: it never reads "5" as a number. Every kind has bounds,
since the cost of the CEL rules in the CRDs depends on them, and may carry a `Hint` for messages.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Self, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PlainSerializer,
    Strict,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from hekaton_api.cel import Cel, ruled
from hekaton_api.nul import NoNul
from hekaton_api.problems import Problem, refuse
from hekaton_api.units import DURATION, seconds

NAME = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
URL = r"^https?://[^\s/@?#]+(/[^\s@?#]*)?$"
VARIABLE = r"^[A-Za-z_][A-Za-z0-9_]*$"
BRANCH = r"^[A-Za-z0-9_][A-Za-z0-9_-]*([./][A-Za-z0-9_-]+)*$"
KEY = r"^([a-z0-9][-a-z0-9.]{0,252}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$"
LABEL = r"^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$"
TIME = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}"
    r"(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})$"
)
LIST = 64
"""Most entries of any list."""
YEAR = 366 * 86_400
"""Longest duration, seconds."""

SPECIAL_WORDS = {"gib": "GiB", "mtok": "MTok"}


def camel(name: str) -> str:
    """Spell an attribute as in YAML: max_loops -> maxLoops, memory_gib -> memoryGiB."""
    first, *rest = name.split("_")
    return first + "".join(SPECIAL_WORDS.get(word, word.capitalize()) for word in rest)


class Part(BaseModel):
    """Any object of the API: frozen, no unknown fields, camelCase in YAML."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=camel,
        validate_by_name=True,
        validate_by_alias=True,
        use_attribute_docstrings=True,
        hide_input_in_errors=True,
    )
    CEL: ClassVar[tuple[Cel, ...]] = ()
    """The rules of `breaches` as the API server checks them."""

    @model_validator(mode="before")
    @classmethod
    def _null_means_default(cls, data: Any) -> Any:
        """Drop nulls where there is a default, as the API server does."""
        if not isinstance(data, dict):
            return data
        defaulted = {
            name
            for attribute, field in cls.model_fields.items()
            if not field.is_required() and field.get_default(call_default_factory=True) is not None
            for name in (attribute, field.alias)
        }
        return {k: v for k, v in data.items() if v is not None or k not in defaulted}

    def breaches(self) -> Iterable[Problem]:
        """Every broken rule between fields; a model that has rules overrides this."""
        return ()

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Add the rules, and the defaults that a call makes: whole, for rules read them as such."""
        reference = handler(core)
        schema = handler.resolve_ref_schema(reference)
        for field in cls.model_fields.values():
            if field.default_factory is not None:
                made = field.get_default(call_default_factory=True)
                if isinstance(made, Part):
                    made = made.model_dump(mode="json", by_alias=True, exclude_none=True)
                schema["properties"][field.alias]["default"] = made
        schema.update(ruled(schema, cls.CEL))
        return reference

    @model_validator(mode="after")
    def _rules_hold(self, info: ValidationInfo) -> Self:
        """Refuse all breaches at once. The context may name models whose rules are left out."""
        if type(self) not in (info.context or ()):
            refuse(self.breaches())
        return self


@dataclass(frozen=True, slots=True)
class Hint:
    """What a message may add to a refusal: the unit, and a value that would do."""

    unit: str = ""
    example: str = ""


def _duration(text: str) -> str:
    example = "Write hours, minutes and seconds in this order, e.g. '90s', '10m' or '1h30m'."
    try:
        length = seconds(text)
    except ValueError:
        refuse([Problem((), "is not a duration", example)])
    else:
        if length > YEAR:
            refuse([Problem((), "is longer than 366 days", "Give at most '8784h'.")])
    return text


def _lasting(text: str) -> str:
    if seconds(text) == 0:
        refuse([Problem((), "leaves no time at all", "Give at least '1s'.")])
    return text


def _exact(value: object) -> Decimal:
    """Take the number as it was written: 0.1 is one tenth, not its nearest binary fraction."""
    if isinstance(value, Decimal):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Decimal(repr(value))
    remedy = "Give US dollars as a plain number without quotes or a currency sign, e.g. 2.50."
    refuse([Problem((), "is not a number", remedy)])
    raise AssertionError("refuse raises when it is given a problem")


def _money_schema(**bounds: float) -> WithJsonSchema:
    return WithJsonSchema({"type": "number", **bounds})


Whole: TypeAlias = Annotated[int, Strict()]
Real: TypeAlias = Annotated[float, Strict(), Field(allow_inf_nan=False)]
Flag: TypeAlias = Annotated[bool, Strict()]
Count: TypeAlias = Annotated[Whole, Field(ge=0, le=1_000_000_000)]
Tokens: TypeAlias = Annotated[
    Whole, Field(ge=1, le=1_000_000_000_000), Hint("tokens", example="200000")
]
Unit: TypeAlias = Annotated[Real, Field(ge=0, le=1), Hint(example="0.5")]
MOST_GIB = 100_000
"""More than any machine has."""
GiB: TypeAlias = Annotated[Real, Field(ge=0, le=MOST_GIB), Hint("GiB", example="8")]

Name: TypeAlias = Annotated[str, Field(pattern=NAME, max_length=63)]
Text: TypeAlias = Annotated[str, Field(min_length=1, max_length=253), NoNul()]
Line: TypeAlias = Annotated[str, Field(min_length=1, max_length=4096), NoNul()]
Prose: TypeAlias = Annotated[str, Field(max_length=4096), NoNul()]
Url: TypeAlias = Annotated[str, Field(pattern=URL, max_length=2048), NoNul()]
Variable: TypeAlias = Annotated[str, Field(pattern=VARIABLE, max_length=128)]
Branch: TypeAlias = Annotated[str, Field(pattern=BRANCH, max_length=200)]
Key: TypeAlias = Annotated[str, Field(pattern=KEY, max_length=317)]
Label: TypeAlias = Annotated[str, Field(pattern=LABEL, max_length=63)]
Time: TypeAlias = Annotated[str, Field(pattern=TIME, max_length=40)]

Pause: TypeAlias = Annotated[
    str,
    AfterValidator(_duration),
    WithJsonSchema({"type": "string", "pattern": DURATION, "minLength": 2, "maxLength": 24}),
    Cel("duration(self) <= duration('8784h')", "is longer than 366 days. Give at most '8784h'."),
    Hint(example="10m"),
]
"""A duration that may be zero."""
Duration: TypeAlias = Annotated[
    Pause,
    AfterValidator(_lasting),
    Cel("duration(self) > duration('0s')", "leaves no time at all. Give at least '1s'."),
]
"""A duration of at least one second."""
SIX_DECIMALS = Cel(
    "double(int(self * 1000000.0 + 0.5)) / 1000000.0 == self",
    "has more than six decimals. Round it to a millionth of a dollar.",
)
"""A quotient is rounded to the nearest float, and so is what the user wrote: equal means exact."""
Usd: TypeAlias = Annotated[
    Decimal,
    BeforeValidator(_exact),
    Field(gt=0, le=1_000_000, decimal_places=6),
    PlainSerializer(float, return_type=float, when_used="json"),
    _money_schema(exclusiveMinimum=0, maximum=1_000_000),
    SIX_DECIMALS,
    Hint("US dollars", example="2.50"),
]
"""Money above zero. A float of this size with six decimals is written and read back exactly."""
Cost: TypeAlias = Annotated[
    Decimal,
    BeforeValidator(_exact),
    Field(ge=0, le=1_000_000, decimal_places=6),
    PlainSerializer(float, return_type=float, when_used="json"),
    _money_schema(minimum=0, maximum=1_000_000),
    SIX_DECIMALS,
    Hint("US dollars", example="2.50"),
]
"""Money that may be zero."""
