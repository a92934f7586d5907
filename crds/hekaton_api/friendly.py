"""What pydantic found, in words for the person who wrote the document: problem and remedy.

One table from error type to sentences. Where the type of the value decides (`mode: yes` is read as
true), the table has an entry `type:class` that goes before the plain one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from hekaton_api.fields import BRANCH, KEY, LABEL, NAME, TIME, URL, VARIABLE, Hint, Part
from hekaton_api.problems import REFUSED, Problem, carried
from hekaton_api.sources import GIT
from hekaton_api.words import listed, near

WORDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "missing": ("is missing", "{about}"),
        "extra_forbidden": ("is not a field here", "{near}Known fields: {known}."),
        "string_type": ("is not text", "Write text here{eg}."),
        "string_type:bool": ("is read as true or false, and text is wanted", "{quote}"),
        "string_type:int": ("is read as a number, and text is wanted", "{quote}"),
        "string_type:float": ("is read as a number, and text is wanted", "{quote}"),
        "string_type:NoneType": ("is empty", "Give a value{eg}, or remove the line."),
        "string_too_short": ("is too short", "Give at least {min_length} character."),
        "string_too_long": ("is too long", "Give at most {max_length} characters."),
        "string_pattern_mismatch": ("{form}", "{how}"),
        "string_unicode": (
            "is not valid Unicode",
            "Write characters themselves, not their halves like \\ud83d, and save as UTF-8.",
        ),
        "literal_error": ("is not one of the choices", "{near}Choose one of: {choices}."),
        "literal_error:bool": (
            "is read as true or false",
            "Choose one of: {choices}; put yes, no, on and off in quotes.",
        ),
        "int_type": ("is not a whole number", "Give a whole number{unit}{eg}."),
        "int_type:str": ("is text", "Give a whole number{unit} without quotes{eg}."),
        "int_type:NoneType": ("is empty", "Give a whole number{unit}{eg}."),
        "float_type": ("is not a number", "Give a number{unit}{eg}."),
        "float_type:str": ("is text", "Give a number{unit} without quotes{eg}."),
        "finite_number": ("is not a finite number", "Give a number{unit}{eg}."),
        "bool_type": ("is not true or false", "Write true or false."),
        "bool_type:str": ("is text", "Write true or false without quotes."),
        "greater_than": ("is not above {gt}", "Give a {number}{unit}{eg}."),
        "greater_than_equal": ("is not at least {ge}", "Give a {number}{unit}{eg}."),
        "less_than": ("is not below {lt}", "Give a {number}{unit}{eg}."),
        "less_than_equal": ("is more than {le}", "Give a {number}{unit} of at most {le}{eg}."),
        "decimal_max_places": ("is too fine", "Give at most {decimal_places} decimals{eg}."),
        "tuple_type": ("is not a list", "Begin each entry with '- ' on its own line."),
        "tuple_type:NoneType": ("is empty", "Give entries that begin with '- ', or '[]'."),
        "too_short": ("has too few entries ({actual_length})", "Give at least {min_length}."),
        "too_long": ("has too many entries ({actual_length})", "Give at most {max_length}."),
        "model_type": ("is not a group of fields", "Put fields below it: {known}."),
        "model_type:NoneType": ("is empty", "Put fields below it: {known}."),
        "mapping_type": ("is not a group of names and values", "Write 'name: value' lines below."),
        "dict_type": ("is not a group of names and values", "Write 'name: value' lines below."),
    }
)
OTHERWISE = ("cannot be used: {msg}", "See the description of the field: {about}")
FORMS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        NAME: (
            "is not a DNS label",
            "Use 1 to 63 lower-case letters, digits and '-', with a letter or digit at both ends.",
        ),
        URL: (
            "is not a plain http address",
            "Write e.g. http://127.0.0.1:8000/v1, without password, '?' or '#'.",
        ),
        GIT: (
            "is not an address of a repository that can be used",
            "Write https://..., ssh://git@... or an absolute folder; put tokens in credentials.",
        ),
        VARIABLE: (
            "is not the name of an environment variable",
            "Use letters, digits and '_', e.g. GEMINI_API_KEY; the key itself never stands here.",
        ),
        BRANCH: (
            "is not a branch, tag or commit",
            "Use letters, digits, '-', '_', and single '/' or '.' between them, e.g. fix/login.",
        ),
        KEY: ("is not a key of a label", "Use e.g. team or example.com/team."),
        LABEL: (
            "is not a value of a label",
            "Use at most 63 letters, digits, '-', '_' and '.', e.g. blue.",
        ),
        TIME: ("is not a time", "Write e.g. '2026-01-31T08:00:00Z'."),
    }
)
FORM = ("does not have the right form", "{about}")


@dataclass(frozen=True, slots=True)
class Target:
    """The field an error is about: the model around it, and its definition if it has one."""

    around: type[Part] | None
    info: FieldInfo | None


def explain(error: ErrorDetails, root: type[Part], raw: str | None) -> Iterator[Problem]:
    """The problems in one pydantic error, `at` from the root; `raw` is the value as written."""
    at = tuple(part for part in error["loc"] if part != "[key]")
    if error["type"] == REFUSED:
        for each in carried(error.get("ctx")):
            yield Problem((*at, *each.at), each.problem, each.remedy)
        return
    problem, remedy = _words(error)
    facts = _facts(error, locate(root, at), raw)
    yield Problem(at, problem.format_map(facts), remedy.format_map(facts))


def _words(error: ErrorDetails) -> tuple[str, str]:
    """The table's sentences for an error."""
    kind = error["type"]
    if kind == "string_pattern_mismatch":
        return FORMS.get(error["ctx"]["pattern"], FORM)
    special = WORDS.get(f"{kind}:{type(error['input']).__name__}")
    return special or WORDS.get(kind, OTHERWISE)


def locate(root: type[Part], at: tuple[str | int, ...]) -> Target:
    """Follow a path through the models."""
    around: type[Part] | None = root
    info: FieldInfo | None = None
    for step in at:
        if isinstance(step, int) or around is None:
            continue
        model = around
        fields = model.model_fields.values()
        info = next((field for field in fields if field.alias == step), None)
        around = _inner(info.annotation) if info else None
        if around is None:
            return Target(model if info is None else None, info)
    return Target(around, info)


def _inner(annotation: Any) -> type[Part] | None:
    """The model within an annotation such as `tuple[Role, ...] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return annotation
    found = (_inner(inner) for inner in get_args(annotation))
    return next((model for model in found if model), None)


def _within(annotation: Any, wanted: type[Hint]) -> Hint:
    """The hint within an annotation such as `Annotated[int, Hint()] | None`."""
    for inner in get_args(annotation):
        if isinstance(inner, wanted):
            return inner
        if (found := _within(inner, wanted)) != wanted():
            return found
    return wanted()


def _choices(annotation: Any) -> tuple[str, ...]:
    """The words of the Literal within an annotation."""
    if get_origin(annotation) is Literal:
        return tuple(str(word) for word in get_args(annotation))
    return next((words for inner in get_args(annotation) if (words := _choices(inner))), ())


def _facts(error: ErrorDetails, target: Target, raw: str | None) -> dict[str, Any]:
    """What the sentences of the table may name."""
    info = target.info
    annotation = info.annotation if info else None
    hints = [each for each in info.metadata if isinstance(each, Hint)] if info else []
    hint = hints[0] if hints else _within(annotation, Hint)
    eg = f", e.g. {hint.example}" if hint.example else ""
    known = [str(f.alias) for f in target.around.model_fields.values()] if target.around else []
    choices = _choices(annotation)
    if error["type"] == "extra_forbidden":
        close = near(str(error["loc"][-1]), known)
    else:
        close = near(error["input"], choices) if isinstance(error["input"], str) else ""
    about = " ".join((info.description or "").split()) if info else ""
    return {
        **error.get("ctx", {}),
        "msg": error["msg"],
        "quote": f"Write text{eg}." if eg else f"Put it in quotes: '{(raw or '')[:80]}'.",
        "unit": f" of {hint.unit}" if hint.unit else "",
        "eg": eg,
        "number": "whole number" if _whole(annotation) else "number",
        "known": listed(known),
        "choices": listed(choices),
        "near": close,
        "about": about,
    }


def _whole(annotation: Any) -> bool:
    """Whether an annotation means an int."""
    return annotation is int or any(_whole(inner) for inner in get_args(annotation))
