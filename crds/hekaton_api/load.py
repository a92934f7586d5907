"""Read Formations and Missions from YAML as kubectl would take it, with every fault at once.

`load` is the door to the file system; the rest is pure.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from hekaton_api import tree
from hekaton_api.errors import Finding, Invalid
from hekaton_api.fields import Part
from hekaton_api.formation import Formation
from hekaton_api.friendly import explain, locate
from hekaton_api.mission import Mission
from hekaton_api.problems import REFUSED, Problem
from hekaton_api.rules import READ
from hekaton_api.shown import MASK, dotted, shown
from hekaton_api.team import lacking
from hekaton_api.words import listed, near

Object: TypeAlias = Formation | Mission
GROUP_VERSION = "hekaton.dev/v1alpha1"
LONGEST = 3 * 1024 * 1024
"""Bytes that the API server takes at most."""
KINDS: Mapping[str, type[Formation] | type[Mission]] = MappingProxyType(
    {"Formation": Formation, "Mission": Mission}
)


def load(path: Path) -> tuple[Object, ...]:
    """Read all objects of a file; raises `Invalid` with every finding, or OSError."""
    data = path.read_bytes()
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        remedy = "Save the file as UTF-8."
        raise Invalid((Finding(str(path), line, "", "", "is not UTF-8", remedy),)) from None
    return parse(text, str(path))


def parse(text: str, file: str) -> tuple[Object, ...]:
    """Read all objects of a text; `file` is only shown. Raises `Invalid` with every finding."""
    if len(text.encode(errors="replace")) > LONGEST:
        remedy = "Split the file; put large files into a git repository."
        raise Invalid((Finding(file, 0, "", "", f"is larger than {LONGEST} bytes", remedy),))
    objects: list[Object] = []
    findings: list[Finding] = []
    for document in tree.documents(text):
        faults = document.faults
        broken = {dotted(fault.at) for fault in faults}
        findings += (
            Finding(file, f.line, dotted(f.at), f.value, f.problem, f.remedy) for f in faults
        )
        for at, value in _items(document.value):
            found, parsed = _parsed(_Object(document, at, value, file))
            findings += (finding for finding in found if finding.field not in broken)
            objects += [parsed] if parsed else []
    if not objects and not findings:
        remedy = f"Write a Formation or a Mission of {GROUP_VERSION}."
        findings.append(Finding(file, 1, "", "", "holds no object", remedy))
    if findings:
        raise Invalid(tuple(sorted(dict.fromkeys(findings), key=lambda finding: finding.line)))
    return tuple(objects)


def check(mission: Mission, formations: Iterable[Formation]) -> tuple[Finding, ...]:
    """What stands between a mission and the formations that are there; empty means nothing."""
    spec, space = mission.spec, mission.metadata.namespace or "default"
    there = {f.metadata.name: f for f in formations if (f.metadata.namespace or "default") == space}
    formation = there.get(spec.formation)
    if formation is None:
        remedy = f"{near(spec.formation, there)}Formations in namespace {space}: {listed(there)}."
        problem = "is not a formation that is there"
        return (Finding("", 0, "spec.formation", repr(spec.formation), problem, remedy),)
    return tuple(
        Finding(
            "",
            0,
            "spec.mode",
            repr(spec.mode),
            f"needs the role {' or '.join(group)}, and formation {spec.formation!r} has none",
            f"Add one to the formation's roles, e.g. {{name: {group[0]}-1, role: {group[0]}}}, "
            "or choose another mode.",
        )
        for group in lacking(formation.spec, spec.mode)
    )


def _items(value: Any) -> Iterator[tuple[tree.Path, Any]]:
    """The objects of a document: itself, or the items of a List, as kubectl writes several."""
    if isinstance(value, dict) and value.get("kind") == "List" and value.get("apiVersion") == "v1":
        items = value.get("items")
        for i, item in enumerate(items if isinstance(items, tuple) else ()):
            yield ("items", i), item
    elif value is not None:
        yield (), value


@dataclass(frozen=True, slots=True)
class _Object:
    """One object of a document, before it is parsed."""

    document: tree.Document
    at: tree.Path
    value: Any
    file: str

    def finding(self, problem: Problem, value: str) -> Finding:
        at = (*self.at, *problem.at)
        line = self.document.line_of(at)
        return Finding(self.file, line, dotted(at), value, problem.problem, problem.remedy)

    def shown(self, at: tree.Path) -> str:
        """The value of a field for a message."""
        return shown((*self.at, *at), _value(self.value, at), self.document.raw((*self.at, *at)))


def _parsed(item: _Object) -> tuple[list[Finding], Object | None]:
    """One object, or everything that is wrong with it."""
    kind = item.value.get("kind") if isinstance(item.value, dict) else None
    model = KINDS.get(kind) if isinstance(kind, str) else None
    if model is None:
        return [item.finding(each, item.shown(each.at)) for each in _unknown(item.value)], None
    try:
        return [], model.model_validate(item.value, by_alias=True, by_name=False)
    except ValidationError as error:
        errors = _sincere(error.errors(include_url=False))
    found = [finding for each in errors for finding in _findings(item, each, model)]
    return found + _deferred(item, errors, model, {finding.field for finding in found}), None


def _findings(item: _Object, error: ErrorDetails, model: type[Part]) -> Iterator[Finding]:
    """What one pydantic error says; the value of a field that should not be there is not shown."""
    quiet = error["type"] in ("missing", "extra_forbidden") or "[key]" in error["loc"]
    at = tuple(part for part in error["loc"] if part != "[key]")
    raw = None if quiet else item.document.raw((*item.at, *at))
    masked = MASK if "credentials" in at else raw
    for problem in explain(error, model, masked):
        yield item.finding(problem, "" if quiet else item.shown(problem.at))


def _sincere(errors: list[ErrorDetails]) -> list[ErrorDetails]:
    """Leave out lists that pydantic calls too short only because entries of them are wrong."""
    inner = {error["loc"][:i] for error in errors for i in range(len(error["loc"]))}
    return [each for each in errors if each["type"] != "too_short" or each["loc"] not in inner]


def _deferred(
    item: _Object, errors: list[ErrorDetails], model: type[Part], told: set[str]
) -> list[Finding]:
    """Broken rules that pydantic did not reach, because something else is wrong inside.

    The object is validated once more without its wrong fields and without the rules that have
    spoken. Nothing is guessed: while a field that the rules read is wrong, they wait.
    """
    value, done = item.value, set[type[Part]]()
    for error in errors:
        target = locate(model, error["loc"])
        if error["type"] == REFUSED and target.around:
            done.add(target.around)
        elif error["loc"][-1] in READ or error["type"] == "missing":
            return []
        else:
            value = _without(value, error["loc"])
    try:
        model.model_validate(value, by_alias=True, by_name=False, context=frozenset(done))
    except ValidationError as error:
        late = [each for each in error.errors(include_url=False) if each["type"] == REFUSED]
    else:
        return []
    found = (finding for each in late for finding in _findings(item, each, model))
    return [finding for finding in found if finding.field not in told]


def _unknown(value: Any) -> Iterator[Problem]:
    """Why something is neither a Formation nor a Mission."""
    if not isinstance(value, dict):
        remedy = (
            f"Begin with 'apiVersion: {GROUP_VERSION}' and 'kind: Formation' or 'kind: Mission'."
        )
        yield Problem((), "holds no group of fields", remedy)
        return
    kind, version = value.get("kind"), value.get("apiVersion")
    close = near(kind, KINDS) if isinstance(kind, str) else ""
    remedy = f"{close}Known kinds: {listed(KINDS)}."
    yield Problem(("kind",), "is not a known kind" if "kind" in value else "is missing", remedy)
    if version != GROUP_VERSION:
        problem = "is not a known version" if "apiVersion" in value else "is missing"
        yield Problem(("apiVersion",), problem, f"Known: {GROUP_VERSION}.")


def _value(value: Any, at: tree.Path) -> Any:
    """What stands at a path, or None."""
    for step in at:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, tuple) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def _without(value: Any, at: tree.Path) -> Any:
    """The same without the entry at a path; entries of lists stay, so that numbers keep meaning."""
    if isinstance(value, dict) and len(at) == 1:
        return {name: inner for name, inner in value.items() if name != at[0]}
    if isinstance(value, dict) and at and at[0] in value:
        return {**value, str(at[0]): _without(value[str(at[0])], at[1:])}
    if isinstance(value, tuple) and at and isinstance(at[0], int):
        i = at[0]
        return (*value[:i], _without(value[i], at[1:]), *value[i + 1 :])
    return value
