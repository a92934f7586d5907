"""Whatever stands in a config.json, it is planned or refused with all reasons; nothing crashes."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hekaton_api.formation import FormationSpec
from hekaton_api.models import ModelSpec
from hekaton_api.vram.catalog import Catalog
from hekaton_api.vram.config import Unplannable, read_config
from hekaton_api.vram.engine import Engine, engine
from hekaton_api.vram.plan import plan_spec
from hekaton_api.vram.remedies import remedies
from hekaton_api.vram.weights import parameters

Make = Callable[..., FormationSpec]
LLAMA: dict[str, Any] = {
    "hidden_size": 4096,
    "intermediate_size": 11008,
    "model_type": "llama",
    "num_attention_heads": 32,
    "num_hidden_layers": 32,
    "vocab_size": 32000,
}
GPT2 = {
    "model_type": "gpt2",
    "n_embd": 768,
    "n_head": 12,
    "n_inner": None,
    "n_layer": 12,
    "n_positions": 1024,
    "vocab_size": 50257,
}
STARCODER = {
    "model_type": "gpt_bigcode",
    "multi_query": True,
    "n_embd": 6144,
    "n_head": 48,
    "n_inner": 24576,
    "n_layer": 40,
    "n_positions": 8192,
    "vocab_size": 49152,
}
FIELDS = (
    *LLAMA,
    *GPT2,
    "head_dim",
    "num_key_value_heads",
    "max_position_embeddings",
    "layer_types",
)
FIELDS += ("sliding_window", "sliding_window_pattern", "max_window_layers", "use_sliding_window")
FIELDS += ("kv_lora_rank", "qk_rope_head_dim", "qk_nope_head_dim", "v_head_dim", "q_lora_rank")
FIELDS += ("num_experts", "moe_intermediate_size", "n_shared_experts", "first_k_dense_replace")
FIELDS += ("quantization_config", "text_config", "tie_word_embeddings", "full_attention_interval")
WORDS = ("compressed-tensors", "full_attention", "sliding_attention", "mamba", "awq", "\ud800")
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-2, 1 << 25)
    | st.floats()
    | st.sampled_from(WORDS)
    | st.text(max_size=5)
)
INNER = ("quant_method", "config_groups", "weights", "num_bits", "type", *FIELDS)
JUNK = st.recursive(
    LEAVES,
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.sampled_from(INNER), part),
    max_leaves=8,
)


def refused(fields: dict[str, Any]) -> tuple[str, ...]:
    with pytest.raises(Unplannable) as caught:
        read_config(json.dumps(fields), "c")
    return caught.value.reasons


@settings(max_examples=60)
@given(changes=st.dictionaries(st.sampled_from(FIELDS), JUNK, max_size=6), base=st.booleans())
@example(changes={"num_attention_heads": 0}, base=True)
@example(changes={"hidden_size": float("inf")}, base=True)
@example(changes={"hidden_size": 1, "num_attention_heads": 2}, base=True)
def test_any_json_in_an_entry_gives_a_plan_or_refusals(
    catalog: Catalog, formation: Make, changes: dict[str, Any], base: bool
) -> None:
    text = json.dumps({**(LLAMA if base else {}), **changes})
    spec = formation(ModelSpec(name="m", engine="vllm", model="me/mine", config=text))
    found = plan_spec(spec, catalog)
    assert found.models or found.refusals
    assert all(each.spec for each in remedies(spec, catalog))
    assert (found.sentence.encode(), json.dumps(found.used)) != (b"", "")


@settings(max_examples=100)
@given(text=st.text(alphabet='[]{}":,0123456789.eE-+ntrufalsi "\\ud8', max_size=40))
@example(text="[" * 100_000)
@example(text='{"vocab_size": ' + "9" * 5000 + "}")
def test_any_text_is_read_or_refused(text: str) -> None:
    with pytest.raises(Unplannable):
        read_config(text, "c")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"num_attention_heads": 0}, "'num_attention_heads' is 0, not a whole number from 1"),
        ({"hidden_size": float("inf")}, "'hidden_size' is inf"),
        ({"hidden_size": float("nan")}, "'hidden_size' is nan"),
        ({"hidden_size": -4096}, "'hidden_size' is -4096"),
        ({"num_hidden_layers": 0}, "'num_hidden_layers' is 0"),
        ({"num_hidden_layers": 10**20}, "'num_hidden_layers' is 100000000000000000000"),
        ({"intermediate_size": 3.5}, "'intermediate_size' is 3.5"),
        ({"vocab_size": True}, "'vocab_size' is True"),
        ({"hidden_size": 16}, "less than one for each of 32 heads"),
        ({"layer_types": 5}, "'layer_types' is 5, not a list of words for 32 layers"),
        ({"layer_types": ["full_attention"]}, "not a list of words for 32 layers"),
        ({"tie_word_embeddings": "no"}, "'tie_word_embeddings' is 'no', neither true nor false"),
        ({"quantization_config": 4}, "'quantization_config' is 4, not an object"),
        (
            {
                "quantization_config": {
                    "quant_method": "compressed-tensors",
                    "config_groups": {"a": "b"},
                }
            },
            "'config_groups' is {'a': 'b'}, not an object of groups",
        ),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "said",
)
def test_a_figure_that_no_model_has_is_refused(change: dict[str, Any], said: str) -> None:
    (reason,) = refused({**LLAMA, **change})
    assert said in reason


def test_all_wrong_figures_are_told_at_once() -> None:
    wrong = {"hidden_size": -5, "num_hidden_layers": "32", "num_attention_heads": 0}
    assert len(refused({**LLAMA, **wrong, "intermediate_size": 3.5})) == 4


@pytest.mark.parametrize(
    "fields",
    [
        {"model_type": "mamba", "num_hidden_layers": 64},
        {**LLAMA, "mamba_d_state": 16},
        {**LLAMA, "full_attention_interval": 4},
        {**LLAMA, "layer_types": ["linear_attention", "full_attention"] * 16},
    ],
    ids=["mamba", "jamba", "interval", "listed"],
)
def test_a_model_with_a_state_is_refused_with_a_remedy_that_works(
    catalog: Catalog, fields: dict[str, Any]
) -> None:
    text = json.dumps(fields)
    entry = ModelSpec(name="m", engine="vllm", model="me/mine", config=text, weights_gib=9)
    found = engine(entry, catalog, 1)
    assert not isinstance(found, Engine)
    (only,) = found
    assert only.remedy == "Choose another model, or serve it yourself by engine: external."


@pytest.mark.parametrize(
    ("fields", "published", "kv_heads"),
    [(GPT2, 124_439_808, 12), (STARCODER, 15_517_456_384, 1)],
    ids=["gpt2", "starcoder"],
)
def test_the_older_names_of_figures_give_the_published_parameters(
    fields: dict[str, Any], published: int, kv_heads: int
) -> None:
    shape = read_config(json.dumps(fields), "c").shape
    assert shape.kv_heads == kv_heads
    assert shape.positions == fields["n_positions"]
    assert parameters(shape).total == pytest.approx(published, rel=0.01)


def test_a_wrong_figure_is_named_as_the_file_names_it() -> None:
    assert "'n_embd' is -5" in " ".join(refused({**GPT2, "n_embd": -5}))
