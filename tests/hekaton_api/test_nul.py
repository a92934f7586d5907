"""No text of a Formation or a Mission takes a NUL, and each says so with its field and the remedy."""

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hekaton_api.cel import RULES
from hekaton_api.errors import Finding, Invalid
from hekaton_api.formation import Formation
from hekaton_api.load import parse
from hekaton_api.mission import Mission
from hekaton_api.nul import RULE
from hekaton_api.schema.definitions import schema

Findings = Callable[[str], tuple[Finding, ...]]
At = tuple[str | int, ...]
Kind = type[Formation | Mission]
NOW = "2026-11-21T10:00:00Z"
CONDITION = {"type": "Running", "status": "True", "reason": "R", "lastTransitionTime": NOW}

FORMATION: dict[str, tuple[At, object]] = {
    "spec.models[0].model": (("spec", "models", 0, "model"), "a\0b"),
    "spec.models[0].revision": (("spec", "models", 0, "revision"), "\0"),
    "spec.models[0].config": (("spec", "models", 0, "config"), "{\0}"),
    "spec.models[0].extraArgs[0]": (("spec", "models", 0, "extraArgs"), ["--a=\0"]),
    "spec.models[0].endpoint": (("spec", "models", 0, "endpoint"), "http://h/\0"),
    "spec.models[1].apiModel": (("spec", "models", 1, "apiModel"), "a/\0"),
    "spec.pod.priorityClass": (("spec", "pod"), {"priorityClass": "\0"}),
    "spec.pod.images.engines": (("spec", "pod"), {"images": {"engines": "\0"}}),
    "spec.pod.images.runtime": (("spec", "pod"), {"images": {"runtime": "\0"}}),
    "spec.pod.images.workspace": (("spec", "pod"), {"images": {"workspace": "\0"}}),
    "spec.pod.tolerations[0].key": (("spec", "pod"), {"tolerations": [{"key": "\0"}]}),
    "spec.pod.tolerations[0].value": (("spec", "pod"), {"tolerations": [{"value": "\0"}]}),
    "status.selector": (("status",), {"selector": "a=\0"}),
    "status.conditions[0].message": (
        ("status",),
        {"conditions": [{**CONDITION, "type": "Ready", "message": "\0"}]},
    ),
}
MISSION: dict[str, tuple[At, object]] = {
    "spec.goal": (("spec", "goal"), "a\0b"),
    "spec.acceptance.commands[0]": (("spec", "acceptance", "commands"), ["true \0"]),
    "spec.acceptance.files[0].content": (
        ("spec", "acceptance", "files"),
        [{"path": "b", "content": "\0"}],
    ),
    "spec.workspace.files[0].content": (("spec", "workspace", "files", 0, "content"), "\0"),
    "spec.workspace.git.url": (("spec", "workspace"), {"git": {"url": "https://h/\0"}}),
    "status.sitrep": (("status",), {"sitrep": "\0"}),
    "status.artifact.branch": (("status",), {"artifact": {"branch": "\0"}}),
    "status.artifact.location": (("status",), {"artifact": {"location": "\0"}}),
    "status.conditions[0].message": (("status",), {"conditions": [{**CONDITION, "message": "\0"}]}),
}
META: dict[str, tuple[At, object]] = {
    "metadata.annotations.note": (("metadata", "annotations"), {"note": "a\0b"}),
    "metadata.uid": (("metadata", "uid"), "\0"),
    "metadata.finalizers[0]": (("metadata", "finalizers"), ["\0"]),
    "metadata.managedFields[0]": (("metadata", "managedFields"), [{"f": {"a\0": {}}}]),
    "metadata.managedFields[1]": (("metadata", "managedFields"), ["a", "\0"]),
}
CASES = [
    *((Formation, *case) for case in FORMATION.items()),
    *((Mission, *case) for case in (MISSION | META).items()),
]


def changed(text: str, path: At, value: object) -> str:
    """The document with this value at this path, as JSON, which is YAML."""
    (made,) = parse(text, "f")
    whole: Any = copy.deepcopy(made.model_dump(mode="json", by_alias=True, exclude_none=True))
    here = whole
    for step in path[:-1]:
        here = here[step]
    here[path[-1]] = value
    return json.dumps(whole)


@pytest.mark.parametrize(
    ("kind", "field", "case"), CASES, ids=[f"{k.__name__} {f}" for k, f, _ in CASES]
)
def test_a_nul_is_refused_with_its_field_its_value_and_what_to_do(
    kind: Kind, field: str, case: tuple[At, object], formation_text: str, mission_text: str,
    findings_of: Findings,
) -> None:  # fmt: skip
    (found,) = findings_of(changed(formation_text if kind is Formation else mission_text, *case))
    assert found.field == field
    assert "managedFields" in field or r"\x00" in found.value
    assert str(found).endswith(
        " holds a NUL character, which no database or command line can hold. Remove it."
    )


def texts(node: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every text of a schema, entries of lists and maps with the number 0."""
    if node["type"] == "string":
        yield path, node
    for name, inner in node.get("properties", {}).items():
        yield from texts(inner, f"{path}.{name}" if path else name)
    for name in ("items", "additionalProperties"):
        if name in node:
            yield from texts(node[name], f"{path}[0]")


@pytest.mark.parametrize(
    ("kind", "cases"), [(Formation, FORMATION), (Mission, MISSION)], ids=["Formation", "Mission"]
)
def test_the_server_keeps_the_same_rule_of_every_text_that_no_pattern_binds(
    kind: Kind, cases: dict[str, object]
) -> None:
    fixed = ("apiVersion", "kind")
    free = {
        path
        for path, node in texts(schema(kind))
        if "enum" not in node and path not in fixed and "[^" in node.get("pattern", "[^")
    }
    ruled = {path for path, node in texts(schema(kind)) if RULE.body() in node.get(RULES, ())}
    paths = {path for path in free if path.endswith(("files[0].path", "pvc.path"))}
    assert free - paths == ruled
    assert ruled == {field.replace("models[1]", "models[0]") for field in cases}


@given(st.text(max_size=20), st.text(max_size=20))
def test_wherever_a_nul_stands_in_a_goal_it_is_found(before: str, behind: str) -> None:
    text = json.dumps(f"{before}\0{behind}").replace("\x7f", "")
    with pytest.raises(Invalid) as caught:
        parse(f"{{apiVersion: hekaton.dev/v1alpha1, kind: Mission, spec: {{goal: {text}}}}}", "f")
    (said,) = [one for one in caught.value.findings if one.field == "spec.goal"]
    assert "holds a NUL character" in said.problem or "is not valid Unicode" in said.problem


def test_half_a_character_is_refused_where_nothing_is_interpreted(
    mission_text: str, findings_of: Findings
) -> None:
    text = changed(mission_text, ("metadata", "managedFields"), [{"f": "\ud800"}])
    (found,) = findings_of(text)
    assert (found.field, found.problem) == ("metadata.managedFields[0]", "is not valid Unicode")


def test_half_a_character_points_to_the_whole_one(mission_text: str, findings_of: Findings) -> None:
    (found,) = findings_of(mission_text.replace("Make the tests pass.", r'"\ud83d"'))
    assert (found.field, found.problem) == ("spec.goal", "is not valid Unicode")
    assert "not their halves" in found.remedy
