"""Change single fields of a formation, as `--set models.local.endpoint=http://...` asks. Pure.

A path is made of names as in YAML, without `spec`; an entry of a list is meant by its name or its
number. The result is validated like a file, so that a change cannot make what a file may not say.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from hekaton_api import tree
from hekaton_api.errors import Finding, Invalid
from hekaton_api.formation import Formation
from hekaton_api.load import parse
from hekaton_api.words import listed, near

FLAG = "--set"
FORM = "Write PATH=VALUE, e.g. models.local.contextLength=32768."


def overlaid(formation: Formation, changes: Iterable[str]) -> Formation:
    """The formation with every change made; raises `Invalid` with all that is wrong with them."""
    whole: dict[str, Any] = formation.model_dump(mode="json", by_alias=True, exclude_none=True)
    findings = [found for change in changes for found in _change(whole["spec"], change)]
    if findings:
        raise Invalid(tuple(findings))
    try:
        (made,) = parse(_escaped(json.dumps(whole, ensure_ascii=False)), FLAG)
    except Invalid as fault:
        raise Invalid(tuple(replace(each, line=0) for each in fault.findings)) from None
    assert isinstance(made, Formation)  # its kind cannot be reached by a path below spec
    return made


def _escaped(text: str) -> str:
    """JSON as YAML reads it: that knows no pairs of \\u escapes, and takes few signs bare."""
    return re.sub(r"[^ -~]", lambda hit: f"\\U{ord(hit[0]):08x}", text)


def _change(spec: dict[str, Any], change: str) -> list[Finding]:
    """Make one change in place, or say why not."""
    path, sign, text = change.partition("=")
    steps = path.removeprefix("spec.").split(".")
    if not sign or not all(steps):
        return [_finding("", repr(change), "is no change of a field", FORM)]
    value = _read(text)
    if isinstance(value, Finding):
        return [replace(value, field=path)]
    at: Any = spec
    for i, step in enumerate(steps):
        above = ".".join(steps[:i])
        key: Any = _index(at, step) if isinstance(at, list) else step
        if key is None:
            return [_missing(above, step, at)]
        if not isinstance(at, list | dict):
            return [_finding("", repr(path), f"reaches into {above!r}, a value", FORM)]
        if i == len(steps) - 1:
            at[key] = value
        else:
            at = at[key] if isinstance(at, list) else at.setdefault(key, {})
    return []


def _read(text: str) -> Any:
    """The value as it would be read in a file."""
    documents = tuple(tree.documents(f"value: {text}"))
    faults = [fault for document in documents for fault in document.faults]
    if faults or len(documents) != 1 or not isinstance(documents[0].value, dict):
        return _finding("", repr(text), "is no YAML value", "Put it in quotes: --set 'A=\"B\"'.")
    return _plain(documents[0].value.get("value"))


def _plain(value: Any) -> Any:
    """Tuples as lists, so that JSON can be written and later changes can reach inside."""
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, tuple) else value


def _index(entries: list[Any], step: str) -> int | None:
    names = [entry.get("name") if isinstance(entry, dict) else None for entry in entries]
    if step in names:
        return names.index(step)
    return int(step) if step.isdecimal() and int(step) < len(entries) else None


def _missing(where: str, step: str, entries: list[Any]) -> Finding:
    names = [str(entry["name"]) for entry in entries if isinstance(entry, dict) and "name" in entry]
    known = names or [str(i) for i in range(len(entries))]
    return _finding(
        where, repr(step), "is no entry of it", f"{near(step, known)}Known: {listed(known)}."
    )


def _finding(field: str, value: str, problem: str, remedy: str) -> Finding:
    return Finding(FLAG, 0, field, value, problem, remedy)
