"""What the planner has against the formations of a text, each with its line. Pure.

It reads what can be read: where other parts of a formation are wrong, those that are not are planned
nevertheless, and roles are held against the names of models, so that a user mends all of it at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError

from hekaton_api import tree
from hekaton_api.blocks import Routing
from hekaton_api.errors import Finding
from hekaton_api.fields import Part
from hekaton_api.formation import FormationSpec
from hekaton_api.hardware import Hardware
from hekaton_api.models import ModelSpec
from hekaton_api.roles import AUTO, Role
from hekaton_api.rules import known_models
from hekaton_api.shown import dotted, shown
from hekaton_api.vram.catalog import Catalog
from hekaton_api.vram.plan import HARDWARE, plan_spec
from hekaton_api.vram.remedies import remedies

UNKNOWN = ("model", HARDWARE)
"""Fields refused for want of figures, which others may have: no fault of the text."""
MORE = "Use larger or more GPUs."

P = TypeVar("P", bound=Part)


@dataclass(frozen=True, slots=True)
class _Source:
    """A formation of a text."""

    file: str
    document: tree.Document
    at: tree.Path
    spec: dict[str, Any]

    def finding(self, at: tree.Path, value: str, problem: str, remedy: str) -> Finding:
        whole = (*self.at, "spec", *at)
        line = self.document.line_of(whole)
        return Finding(self.file, line, dotted(whole), value, problem, remedy)

    def entries(self, field: str) -> tuple[Any, ...]:
        """A list as it stands there."""
        found = self.spec.get(field)
        return found if isinstance(found, tuple) else ()


def misnamed(text: str, file: str) -> tuple[Finding, ...]:
    """Roles on models that are not there."""
    return tuple(each for source in _sources(text, file) for each in _misnamed(source))


def unserved(text: str, file: str, catalog: Catalog) -> tuple[Finding, ...]:
    """Why the models of a formation could not be served as it asks, with the nearest remedies; not
    that nobody knows the figures of one."""
    return tuple(each for source in _sources(text, file) for each in _unserved(source, catalog))


def _sources(text: str, file: str) -> Iterator[_Source]:
    for document in tree.documents(text):
        whole = document.value
        listed = whole.get("items") if isinstance(whole, dict) else None
        items = [(("items", i), each) for i, each in enumerate(listed)] if isinstance(listed, tuple) else []  # fmt: skip
        for at, value in ((), whole), *items:
            spec = value.get("spec") if isinstance(value, dict) else None
            if isinstance(spec, dict) and value.get("kind") == "Formation":
                yield _Source(file, document, at, spec)


def _misnamed(source: _Source) -> Iterator[Finding]:
    names = [_word(each, "name") for each in source.entries("models")]
    if not names or not all(names):
        return
    models = tuple(ModelSpec.model_construct(name=name) for name in names)
    roles = tuple(
        Role.model_construct(model=_word(each, "model") or AUTO) for each in source.entries("roles")
    )
    for problem in known_models(roles, models, Routing()):
        at = problem.at
        whole = (*source.at, "spec", *at)
        value = shown(whole, roles[int(at[1])].model, source.document.raw(whole))
        yield source.finding(at, value, problem.problem, problem.remedy)


def _unserved(source: _Source, catalog: Catalog) -> Iterator[Finding]:
    hardware = _read(Hardware, source.spec.get("hardware") or {})
    read = [(i, _read(ModelSpec, each)) for i, each in enumerate(source.entries("models"))]
    places = {model.name: i for i, model in reversed(read) if model}
    models = tuple(model for i, model in read if model and places[model.name] == i)
    if hardware is None or not models:
        return
    roles = (_read(Role, each) for each in source.entries("roles"))
    able = tuple(role for role in roles if role and role.model in (AUTO, *places))
    spec = FormationSpec.model_construct(hardware=hardware, models=models, roles=able)
    found = plan_spec(spec, catalog)
    for one in found.refusals:
        if one.field not in UNKNOWN:
            at = ("models", places[one.model], one.field)
            value, _, problem = one.reason.partition(" ")
            yield source.finding(at, value.removesuffix(":"), problem, one.remedy)
    if found.excess:
        offered = [each.change for each in remedies(spec, catalog)[:1]]
        yield source.finding(("models",), "", f"ask too much: {found.excess[:-1]}", *(offered or [MORE]))  # fmt: skip


def _word(entry: object, field: str) -> str:
    found = entry.get(field) if isinstance(entry, dict) else None
    return found if isinstance(found, str) else ""


def _read(kind: type[P], value: object) -> P | None:
    try:
        return kind.model_validate(value, by_alias=True, by_name=False)
    except ValidationError:
        return None
