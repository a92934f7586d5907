"""What the planner has against a file is said with its line, whatever else is wrong there."""

import pytest

from hekaton_api.vram.catalog import Catalog
from hekaton_api.vram.findings import misnamed, unserved

TEXT = """\
apiVersion: hekaton.dev/v1alpha1
kind: Formation
metadata: {name: f}
spec:
  hardware: {profile: gh200-96}
  models:
    - {name: a, engine: vllm, model: Qwen/Qwen2.5-7B-Instruct, contextLength: 100000}
    - {name: b, engine: vllm, model: Qwen/Qwen2.5-7B-Instruct, kvCacheDtype: turboquant_4bit}
    - {name: c, engine: vllm, model: Qwen/Qwen2.5-32B-Instruct, maxSequences: 64}
  roles:
    - {name: sapper, role: saper, model: aa}
    - {name: auditor, role: auditor, model: a}
"""


def test_a_role_on_a_missing_model_is_told_though_its_kind_is_wrong() -> None:
    (only,) = misnamed(TEXT, "f.yaml")
    assert str(only).startswith("f.yaml:11: spec.roles[0].model: 'aa' is not the name of a model.")
    assert "Did you mean 'a'?" in only.remedy


def test_refusals_and_too_little_memory_have_lines_and_remedies(catalog: Catalog) -> None:
    found = unserved(TEXT, "f.yaml", catalog)
    assert [(each.line, each.field) for each in found] == [
        (7, "spec.models[0].contextLength"),
        (8, "spec.models[1].kvCacheDtype"),
        (6, "spec.models"),
    ]
    assert str(found[0]).startswith("f.yaml:7: spec.models[0].contextLength: 100000 is beyond")
    assert all(each.remedy for each in found)


@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace("    - {name: c, engine: vllm", "    - {name: c, engine: wllm"),
        TEXT.replace("name: c", "name: [c]"),
        TEXT.replace("  roles:", "  rolls:"),
    ],
    ids=["engine", "name", "roles"],
)
def test_a_wrong_entry_hides_no_fault_of_another(catalog: Catalog, text: str) -> None:
    assert {each.line for each in unserved(text, "f.yaml", catalog)} >= {7, 8}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- 5",
        "kind: Formation",
        "kind: Formation\nspec: 5",
        "kind: Formation\nspec: {models: 5, roles: 6, hardware: []}",
        "kind: Formation\nspec: {models: [1, {name: 5}], roles: [1, {model: []}]}",
        TEXT.replace("gh200-96", "gh300"),
        "a: [",
    ],
    ids=["empty", "list", "bare", "number", "numbers", "entries", "hardware", "broken"],
)
def test_what_cannot_be_read_gives_no_finding_of_the_planner(catalog: Catalog, text: str) -> None:
    assert unserved(text, "f.yaml", catalog) == ()


def test_a_pasted_config_that_cannot_be_planned_is_told(catalog: Catalog) -> None:
    text = TEXT.replace("Qwen/Qwen2.5-7B-Instruct, contextLength: 100000", "me/mine, config: '[]'")
    first, *_ = unserved(text, "f.yaml", catalog)
    assert str(first).startswith("f.yaml:7: spec.models[0].config: config.json holds no object.")


def test_formations_in_a_list_are_found(catalog: Catalog) -> None:
    lines = "\n".join(f"    {line}" for line in TEXT.splitlines())
    text = f"apiVersion: v1\nkind: List\nitems:\n  -\n{lines}\n"
    assert misnamed(text, "f.yaml")[0].field == "items[0].spec.roles[0].model"
    assert unserved(text, "f.yaml", catalog)[0].line == 11
