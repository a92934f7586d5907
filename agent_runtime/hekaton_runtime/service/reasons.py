"""Why a request was not usable, in sentences of ours: where, which value, and what to do. Pure.

Pydantic's own words tell a developer which check failed; whoever sends a task wants to know what to send.
"""

from collections.abc import Mapping
from typing import Any

from hekaton_runtime.service.wire import Task

EXAMPLE = '{"task_description": "Write a parser.", "total_budget_tokens": 5000}'
LONGEST = 80
"""Characters of a value that are given back."""


def reason(one: Mapping[str, Any]) -> str:
    """One error of a validation as a sentence: `field: what is wrong with which value. Remedy.`"""
    loc, value = one["loc"], _value(one.get("input"))
    body = loc[:1] == ("body",)
    at = ".".join(str(part) for part in (loc[1:] if body else loc)) or "body"
    said = one.get("ctx", {}).get("error", "")
    match one["type"]:
        case "missing":
            return f"{at}: is missing. Send it, for example in {EXAMPLE}."
        case "extra_forbidden":
            known = ", ".join(Task.model_fields)
            return f"{at}: is no field of a task (it has the value {value}). Leave it out; known: {known}."
        case "json_invalid":
            where = f" at character {at}" if at.isdigit() else ""
            return f"body: is no JSON: {said}{where}. Send for example {EXAMPLE}."
        case "model_attributes_type" | "model_type" | "dict_type":
            what = f"{value} is no JSON object, or was not sent as Content-Type: application/json"
            return f"{at}: {what}. Send for example {EXAMPLE}."
        case "value_error":
            return f"{at}: {value} {said}."
        case "string_pattern_mismatch" if body:
            return f"{at}: {value} has nothing to read in it, or a NUL. Give it in words."
        case _:
            return f"{at}: {one['msg']}, not {value}."


def _value(value: object) -> str:
    """A glimpse of it, on one line."""
    line = " ".join(repr(value).split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 3]}..."
