"""The shapes agents answer in: strict JSON, one type an answer, and the JSON schema sent to the model.

A model's text is decoded into exactly one of these types or rejected without another model call.
"""

from functools import cache
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from hekaton_runtime.brief import Finding

AnswerName = Literal[
    "triage",
    "views",
    "proposal",
    "ballot",
    "plan",
    "design",
    "patch",
    "review",
    "charter",
    "reasoned",
]
Complexity = Literal["LOW", "MEDIUM", "HIGH"]
Line = Annotated[str, msgspec.Meta(max_length=4000)]
Identifier = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
Grade = Annotated[int, msgspec.Meta(ge=0, le=10)]


class Triage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Is the mission trivial (one file, one obvious change), and why."""

    trivial: bool
    complexity: Complexity
    reason: Line


class Views(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a researcher learned from the workspace."""

    summary: Line
    facts: tuple[Line, ...] = ()
    risks: tuple[Line, ...] = ()


class Proposal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One approach, as argued in a debate round."""

    approach: Line
    reasons: tuple[Line, ...] = ()
    risks: tuple[Line, ...] = ()


class Ballot(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A vote for one proposal by its alias (A, B, ...)."""

    choice: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]$")]
    reason: Line = ""


class Task(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One unit of building: what to do, which files, after which tasks, and how to check it alone."""

    id: Identifier
    goal: Line
    files: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The scaffold: tasks with their dependencies."""

    summary: Line
    tasks: Annotated[tuple[Task, ...], msgspec.Meta(min_length=1, max_length=64)]


class Design(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The architect's answer: interfaces that several tasks must agree on, and the final task list."""

    summary: Line
    interfaces: tuple[Line, ...] = ()
    tasks: Annotated[tuple[Task, ...], msgspec.Meta(min_length=1, max_length=64)]


class FileChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole new content of one file, or its removal."""

    path: str
    content: str = ""
    delete: bool = False


class Patch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A builder's answer: complete files, never fragments."""

    summary: Line = ""
    files: Annotated[tuple[FileChange, ...], msgspec.Meta(min_length=1, max_length=256)]


class Review(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The auditor's rubric, each 0 (worst) to 10, with findings."""

    correctness: Grade
    style: Grade
    security: Grade
    test_coverage: Grade
    summary: Line
    findings: tuple[Finding, ...] = ()


class RatedTask(Task, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A task with the analyst's word on how hard it is: it decides about budget, builder and thinking."""

    complexity: Complexity = "MEDIUM"


class Charter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The analyst's answer: the request as a strict brief, and the tasks that make it up."""

    brief: Line
    interfaces: tuple[Line, ...] = ()
    tasks: Annotated[tuple[RatedTask, ...], msgspec.Meta(min_length=1, max_length=64)]


class Reasoned(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A patch behind the thinking that led to it, for hard tasks: thinking comes first, so it helps."""

    reasoning: Annotated[tuple[Line, ...], msgspec.Meta(min_length=1, max_length=32)]
    summary: Line = ""
    files: Annotated[tuple[FileChange, ...], msgspec.Meta(min_length=1, max_length=256)]


AnyAnswer = Triage | Views | Proposal | Ballot | Plan | Design | Patch | Review | Charter | Reasoned
A = TypeVar("A", bound=AnyAnswer)

TYPES: dict[AnswerName, type[AnyAnswer]] = {
    "triage": Triage,
    "views": Views,
    "proposal": Proposal,
    "ballot": Ballot,
    "plan": Plan,
    "design": Design,
    "patch": Patch,
    "review": Review,
    "charter": Charter,
    "reasoned": Reasoned,
}


def name_of(kind: type[Any]) -> AnswerName:
    return next(name for name, known in TYPES.items() if known is kind)


class Unfit(ValueError):
    """A model's text is not the JSON that was asked for; the text says where and why."""


def parse(text: str, kind: type[A]) -> A:
    """Decode a model's text strictly; raises `Unfit` naming the first fault."""
    try:
        return msgspec.json.decode(text.strip().encode(), type=kind)
    except (msgspec.DecodeError, UnicodeError) as fault:
        raise Unfit(f"not a valid {name_of(kind)}: {fault}{_remedy(text)}") from fault


def _remedy(text: str) -> str:
    """What to do about the usual ways of missing the form; empty where the fault says enough."""
    body = text.strip()
    if not body:
        return ". The answer was empty: give the JSON object"
    if not body.startswith("{"):
        return ". Write the JSON object alone, without a word before it or a fence around it"
    if '"properties"' in body and '"type"' in body:
        return ". That is the schema itself: give an object that follows it"
    return ""


@cache
def schema(name: AnswerName) -> dict[str, Any]:
    """The JSON schema of an answer, as sent in `response_format`.

    In the form that strict modes ask for: an object at the root, every property required. Decoding is
    more lenient: it takes an answer without the fields that have a default.
    """
    found = msgspec.json.schema(TYPES[name])
    definitions = {key: _strict(part) for key, part in found["$defs"].items()}
    root = definitions.pop(found["$ref"].rpartition("/")[2])
    return {**root, "$defs": definitions} if definitions else root


def _strict(part: Any) -> Any:
    """One object of a schema and all below it: all fields required, none unknown, no defaults."""
    if isinstance(part, list):
        return [_strict(one) for one in part]
    if not isinstance(part, dict):
        return part
    kept = {
        key: _strict(value)
        for key, value in part.items()
        if key not in ("default", "title", "description")
    }
    if part.get("type") == "object":
        kept |= {
            "properties": _properties(part),
            "required": list(part["properties"]),
            "additionalProperties": False,
        }
    return kept


def _properties(part: dict[str, Any]) -> dict[str, Any]:
    return {name: _strict(value) for name, value in part["properties"].items()}
