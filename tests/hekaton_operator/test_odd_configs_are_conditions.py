"""What a user pastes into a model's config never stops the operator: it is VRAMFits False, with reasons."""

import json

import pytest

from hekaton_api.fields import MOST_GIB
from hekaton_api.formation import FormationSpec
from hekaton_api.hardware import Hardware
from hekaton_api.models import ModelSpec
from hekaton_api.roles import Role
from hekaton_api.vram.catalog import shipped
from hekaton_operator.formation.memory import memory

CONFIG = {
    "hidden_size": 4096,
    "intermediate_size": 11008,
    "num_attention_heads": 32,
    "num_hidden_layers": 32,
    "vocab_size": 32000,
}


def formation(*models: ModelSpec) -> FormationSpec:
    role = Role(name="sapper", role="sapper", model=models[0].name)
    return FormationSpec(hardware=Hardware(profile="gh200-96"), models=models, roles=(role,))


def pasted(name: str, change: dict[str, object]) -> ModelSpec:
    text = json.dumps({**CONFIG, **change})
    return ModelSpec(name=name, engine="vllm", model="me/mine", config=text)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"num_attention_heads": 0}, "'num_attention_heads' is 0"),
        ({"hidden_size": float("inf")}, "'hidden_size' is inf"),
        ({"layer_types": 5}, "'layer_types' is 5"),
    ],
    ids=["zero", "infinite", "kinds"],
)
def test_an_odd_config_is_a_condition(change: dict[str, object], said: str) -> None:
    found = memory("f", formation(pasted("a", change)), shipped())
    assert (found.claim.status, found.claim.reason) == ("False", "CannotBePlanned")
    assert said in found.claim.message


def test_refusals_do_not_hide_the_remedy_for_memory() -> None:
    large = ModelSpec(name="b", engine="vllm", model="Qwen/Qwen2.5-32B-Instruct", max_sequences=64)
    found = memory("f", formation(large, pasted("a", {"layer_types": 5})), shipped())
    assert "too much" in found.claim.message
    assert "Lower maxSequences of 'b' from 64 to" in found.claim.message


def test_the_status_holds_no_more_than_its_schema_takes() -> None:
    huge = pasted("a", {"hidden_size": 1 << 24, "num_hidden_layers": 1 << 24})
    found = memory("f", formation(huge), shipped())
    assert not found.fits
    assert found.status["models"][0]["weightsGiB"] == MOST_GIB
