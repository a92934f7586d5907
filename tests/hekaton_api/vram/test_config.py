"""Any Hugging Face config.json of a decoder can be planned, or is refused with the reason."""

import json
from typing import Any

import pytest

from hekaton_api.models import ModelSpec
from hekaton_api.vram.catalog import shipped
from hekaton_api.vram.config import Unplannable, read_config
from hekaton_api.vram.engine import Engine, engine
from hekaton_api.vram.weights import parameters

QWEN: dict[str, Any] = {
    "architectures": ["Qwen2ForCausalLM"],
    "hidden_size": 3584,
    "intermediate_size": 18944,
    "max_position_embeddings": 32768,
    "max_window_layers": 28,
    "model_type": "qwen2",
    "num_attention_heads": 28,
    "num_hidden_layers": 28,
    "num_key_value_heads": 4,
    "sliding_window": 131072,
    "tie_word_embeddings": False,
    "use_sliding_window": False,
    "vocab_size": 152064,
}
LITE: dict[str, Any] = {
    "hidden_size": 2048,
    "intermediate_size": 10944,
    "kv_lora_rank": 512,
    "max_position_embeddings": 163840,
    "model_type": "deepseek_v2",
    "moe_intermediate_size": 1408,
    "first_k_dense_replace": 1,
    "n_routed_experts": 64,
    "n_shared_experts": 2,
    "num_attention_heads": 16,
    "num_experts_per_tok": 6,
    "num_hidden_layers": 27,
    "num_key_value_heads": 16,
    "q_lora_rank": None,
    "qk_nope_head_dim": 128,
    "qk_rope_head_dim": 64,
    "v_head_dim": 128,
    "vocab_size": 102400,
}


@pytest.mark.parametrize(
    ("fields", "name"),
    [(QWEN, "qwen2.5-7b"), (LITE, "deepseek-coder-v2-lite")],
    ids=["qwen2", "deepseek_v2"],
)
def test_a_published_config_gives_the_shipped_figures(fields: dict[str, Any], name: str) -> None:
    read = read_config(json.dumps(fields), "config.json")
    shipped_one = shipped().shape(name)
    assert parameters(read.shape).total == shipped_one.parameters
    assert read.shape.kv_heads == shipped_one.shape.kv_heads
    assert read.shape.latent == shipped_one.shape.latent
    assert read.format == "none"


@pytest.mark.parametrize(
    ("config", "name"),
    [
        ({"quant_method": "awq", "bits": 4, "group_size": 128}, "awq"),
        ({"quant_method": "gptq", "bits": 4}, "gptq"),
        ({"quant_method": "fp8"}, "fp8"),
        (
            {
                "quant_method": "compressed-tensors",
                "config_groups": {"group_0": {"weights": {"type": "float", "num_bits": 8}}},
            },
            "fp8",
        ),
        (
            {
                "quant_method": "compressed-tensors",
                "config_groups": {"group_0": {"weights": {"type": "int", "num_bits": 8}}},
            },
            "int8",
        ),
        ({"bits": 2}, "unknown"),
    ],
    ids=["awq", "gptq", "fp8", "compressed-fp8", "compressed-int8", "unknown"],
)
def test_the_format_of_the_weights_is_read(config: dict[str, Any], name: str) -> None:
    text = json.dumps({**QWEN, "quantization_config": config})
    assert read_config(text, "c").format == name


def test_a_text_model_inside_a_multimodal_one_is_found() -> None:
    text = json.dumps({"model_type": "outer", "text_config": QWEN})
    assert read_config(text, "c").shape.layers == 28


@pytest.mark.parametrize(
    ("fields", "windowed"),
    [
        ({"use_sliding_window": True, "max_window_layers": 20, "sliding_window": 4096}, 8),
        ({"use_sliding_window": None, "sliding_window": 4096, "layer_types": ["sliding_attention"] * 14 + ["full_attention"] * 14}, 14),
        ({"use_sliding_window": None, "sliding_window": 1024, "sliding_window_pattern": 6}, 24),
        ({"use_sliding_window": True, "sliding_window": 262144}, 0),
    ],
    ids=["from-a-layer-on", "listed", "pattern", "wider-than-the-context"],
)  # fmt: skip
def test_layers_with_a_window_are_counted(fields: dict[str, Any], windowed: int) -> None:
    assert read_config(json.dumps({**QWEN, **fields}), "c").shape.windowed_layers == windowed


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "not JSON"),
        ("[]", "holds no object"),
        ("{}", "'num_hidden_layers' is missing"),
        (json.dumps({**QWEN, "layer_types": ["mamba"]}), "state the planner does not know"),
        (json.dumps({**QWEN, "hidden_size": "wide"}), "is 'wide', not a whole number"),
    ],
    ids=["json", "list", "empty", "mamba", "text"],
)
def test_what_cannot_be_planned_is_refused(text: str, reason: str) -> None:
    with pytest.raises(Unplannable, match=reason):
        read_config(text, "c")


def test_every_missing_field_is_named_at_once() -> None:
    with pytest.raises(Unplannable) as caught:
        read_config("{}", "c")
    assert len(caught.value.reasons) == 5


def test_a_users_config_makes_an_unknown_model_plannable() -> None:
    spec = ModelSpec(name="mine", engine="vllm", model="me/my-model")
    assert not isinstance(engine(spec, shipped(), 1), Engine)
    given = {"mine": read_config(json.dumps(QWEN), "c")}
    found = engine(spec, shipped(given), 1)
    assert isinstance(found, Engine)
    assert found.weights == 2 * 7_615_616_512
