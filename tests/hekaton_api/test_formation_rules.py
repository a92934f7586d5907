"""Every rule of a formation: a document that keeps it, and one that breaks it."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from hekaton_api.errors import Finding
from hekaton_api.formation import Formation

ROLES = "  roles:\n"
Findings = Callable[[str], tuple[Finding, ...]]

WRONG = {
    "role names are unique": ("name: auditor, role: auditor", "name: sapper, role: auditor")
    + ("spec.roles[2].name", "is used twice"),
    "model names are unique": ("name: far", "name: big", "spec.models[1].name", "is used twice"),
    "models of roles exist": ("role: sapper, model: big", "role: sapper, model: bigg")
    + ("spec.roles[1].model", "Did you mean 'big'?"),
    "fallbacks exist": (ROLES, "  routing: {fallbacks: [big, tiny]}\n" + ROLES)
    + ("spec.routing.fallbacks[1]", "Models of this formation: big, far."),
    "an answer fits the context": ("role: sapper,", "role: sapper, maxTokens: 8000,")
    + ("spec.roles[1].maxTokens", "Give at most 7168"),
    "somebody builds": ("role: sapper", "role: analyst", "spec.roles", "role: sapper (or worker)"),
    "an arbiter exists": ("role: auditor", "role: analyst", "spec.debate.arbiter", "role: auditor"),
    "a quorum can be reached": (ROLES, "  debate: {quorum: 4}\n" + ROLES)
    + ("spec.debate.quorum", "by the 3 agents that debate"),
    "the rubric sums to one": (ROLES, "  review: {rubric: {style: 0.3}}\n" + ROLES)
    + ("spec.review.rubric", "sum to 1.1, not to 1"),
    "memory tiers occur once": (ROLES, "  memory: {tiers: [core, core]}\n" + ROLES)
    + ("spec.memory.tiers[1]", "is given twice"),
    "external needs an endpoint": ("      endpoint: http://127.0.0.1:8000/v1\n", "")
    + ("spec.models[0].endpoint", "engine external needs it"),
    "api needs a model": ("      apiModel: gemini/gemini-2.5-pro\n", "")
    + ("spec.models[1].apiModel", "e.g. apiModel: gemini/"),
    "local engines need weights": (
        "engine: api",
        "engine: vllm",
        "spec.models[1].model",
        "weights",
    ),
    "only api has apiModel": ("engine: api", "engine: sglang", "spec.models[1].apiModel", "Remove"),
    "local engines have no endpoint": ("engine: external", "engine: vllm")
    + ("spec.models[0].endpoint", "means nothing to engine vllm"),
    "auto is no model's name": ("name: far", "name: auto", "spec.models[1].name", "is taken"),
    "credentials have one source": ("{env: GEMINI_API_KEY}", "{}")
    + ("spec.models[1].credentials", "exactly one of secretKeyRef and env"),
    "a cpu has no GPUs": (ROLES, "  hardware: {gpus: 1}\n" + ROLES)
    + ("spec.hardware.gpus", "though the profile is cpu"),
    "a GPU profile has GPUs": (ROLES, "  hardware: {profile: gh200-96, gpus: 0}\n" + ROLES)
    + ("spec.hardware.gpus", "gh200-96 needs a GPU"),
    "custom states its memory": (ROLES, "  hardware: {profile: custom}\n" + ROLES)
    + ("spec.hardware.memoryGiB", "e.g. memoryGiB: 80"),
    "the reserve leaves memory": (ROLES, "  hardware: {memoryGiB: 2}\n" + ROLES)
    + ("spec.hardware.reserveGiB", "leaves no memory"),
    "durations last": (ROLES, "  debate: {roundTimeout: 0s}\n" + ROLES)
    + ("spec.debate.roundTimeout", "Give at least '1s'"),
    "durations end": (ROLES, "  update: {drainTimeout: 9000h}\n" + ROLES)
    + ("spec.update.drainTimeout", "366 days"),
    "models are there": ("  models:\n", "  models: []\n  other:\n", "spec.models", "too few"),
    "addresses hold no password": ("http://127.0.0.1:8000/v1", "http://me:hush@host/v1")
    + ("spec.models[0].endpoint", "without password"),
    "temperatures are bounded": ("instances: 3", "temperature: 2.5")
    + ("spec.roles[0].temperature", "is more than 2"),
    "there is at least one instance": ("instances: 3", "instances: 0")
    + ("spec.roles[0].instances", "is not at least 1"),
    "prices are not negative": ("engine: api", "engine: api\n      price: {inputPerMTok: -1}")
    + ("spec.models[1].price.inputPerMTok", "is not at least 0"),
}


@pytest.mark.parametrize(("old", "new", "field", "words"), WRONG.values(), ids=WRONG)
def test_a_broken_rule_is_found_with_its_field_and_remedy(
    formation_text: str, findings_of: Findings, old: str, new: str, field: str, words: str
) -> None:
    text = formation_text
    if field == "spec.debate.arbiter":
        text = text.replace(ROLES, "  debate: {arbiter: auditor}\n" + ROLES)
    found = [each for each in findings_of(text.replace(old, new, 1)) if each.field == field]
    assert len(found) == 1
    assert words in str(found[0])
    assert found[0].remedy


RIGHT = {
    "as it is": ("", ""),
    "auto": ("role: sapper, model: big", "role: sapper, model: auto"),
    "a worker builds": ("role: sapper", "role: worker"),
    "a quorum of all": (ROLES, "  debate: {quorum: 3, arbiter: auditor}\n" + ROLES),
    "the longest answer": ("role: sapper,", "role: sapper, maxTokens: 7168,"),
    "other weights": (ROLES, "  review: {rubric: {style: 0.1, testCoverage: 0.3}}\n" + ROLES),
    "weights near one": (ROLES, "  review: {rubric: {style: 0.201}}\n" + ROLES),
    "gpus": (ROLES, "  hardware: {profile: custom, gpus: 2, memoryGiB: 80}\n" + ROLES),
    "secrets": ("{env: GEMINI_API_KEY}", "{secretKeyRef: {name: gemini, key: api-key}}"),
    "no memory": (ROLES, "  memory: {tiers: []}\n" + ROLES),
    "local weights": ("engine: api\n      apiModel:", "engine: vllm\n      model:"),
    "server fields": (
        "name: team",
        "name: team\n  uid: a-b\n  resourceVersion: '7'\n  generation: 2",
    ),
    "null is the default": (ROLES, "  debate:\n  capacity: ~\n" + ROLES),
}


@pytest.mark.parametrize(("old", "new"), RIGHT.values(), ids=RIGHT)
def test_a_right_formation_has_no_findings(
    formation_text: str, findings_of: Findings, old: str, new: str
) -> None:
    assert findings_of(formation_text.replace(old, new, 1)) == ()


def test_stated_weights_must_fit_the_stated_memory(
    formation_text: str, findings_of: Findings
) -> None:
    text = formation_text.replace(
        "engine: api\n      apiModel:", "engine: vllm\n      weightsGiB: 90\n      model:"
    ).replace(ROLES, "  hardware: {profile: custom, memoryGiB: 80}\n" + ROLES)
    assert [each.field for each in findings_of(text)] == ["spec.models"]
    assert findings_of(text.replace("weightsGiB: 90", "weightsGiB: 70")) == ()


def test_defaults_are_those_of_the_design(formation_text: str, only: Callable[..., Any]) -> None:
    spec = only(formation_text, Formation).spec
    assert (spec.debate.round_seconds, spec.debate.quorum, spec.debate.max_rounds) == (120, 0, 1)
    assert (spec.review.pass_score, spec.review.max_loops) == (7, 2)
    assert (spec.roles[1].tier, spec.roles[1].temperature, spec.roles[1].max_tokens) == (
        "medium",
        0.2,
        4096,
    )
    assert spec.models[0].context_length == 8192
    assert spec.models[0].price.input_per_mtok == Decimal(0)
    assert spec.hardware.gpu_count == 0


def test_prices_are_kept_exactly(formation_text: str, only: Callable[..., Any]) -> None:
    text = formation_text.replace(
        "engine: api", "engine: api\n      price: {inputPerMTok: 0.1, outputPerMTok: 1e-6}"
    )
    price = only(text, Formation).spec.models[1].price
    assert (price.input_micros, price.output_micros) == (100_000, 1)


def test_a_formation_is_frozen(formation_text: str, only: Callable[..., Any]) -> None:
    formation = only(formation_text, Formation)
    with pytest.raises(ValueError, match="frozen"):
        formation.spec.replicas = 2


def test_python_may_use_attribute_names_and_the_server_may_send_lists(
    formation_text: str, only: Callable[..., Any]
) -> None:
    formation = only(formation_text, Formation)
    assert Formation.model_validate(formation.model_dump(mode="json")) == formation
    assert Formation.model_validate(formation.model_dump(mode="json", by_alias=True)) == formation
