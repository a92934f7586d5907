"""What the vLLM plugin refuses, which names it serves, and what it reads of a model. No vLLM."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from hekaton_quant.errors import UnknownPreset, Unsupported
from hekaton_quant.model.weights import write_tensors
from hekaton_quant.rope import Rope
from hekaton_quant.sizes import NATIVE, TRELLIS, preset
from hekaton_quant.vllm.formats import EXACT, SERVED, layer_codec, slot_bytes
from hekaton_quant.vllm.limits import Asked, refusals, refused
from hekaton_quant.vllm.means import key_bias, key_means

PLAIN = Asked("tq5x", "torch.bfloat16", head_size=128, block_size=128)


def test_a_plain_decoder_is_served_in_every_format() -> None:
    assert [refusals(replace(PLAIN, kv_cache_dtype=name)) for name in SERVED] == [[]] * len(SERVED)


def test_all_reasons_come_at_once() -> None:
    asked = Asked(
        "tq5x", "torch.float64", 100, 48,
        attention=("Multi-head latent attention (MLA)", "A sliding window"),
        parallel=("--tensor-parallel-size 2",), speculative="eagle",
        transfer=("A KV connector (NixlConnector)",), turned="The K bias cannot be taken away.",
    )  # fmt: skip
    text = refused(asked)
    for word in (
        "float64",
        "100",
        "48",
        "MLA",
        "sliding",
        "tensor-parallel-size 2",
        "eagle",
        "Nixl",
        "K bias",
    ):
        assert word in text
    assert len(refusals(asked)) == 9
    assert len(text.splitlines()) == 10


@pytest.mark.parametrize(
    "name", ["int4_per_token_head", "fp8_per_token_head", "nvfp4", "ultraquant_4bit"]
)
def test_a_format_that_would_write_past_its_page_is_refused(name: str) -> None:
    (reason,) = refusals(replace(PLAIN, kv_cache_dtype=name))
    assert "corrupt memory" in reason


@pytest.mark.parametrize("name", ["auto", "fp8", "bfloat16"])
def test_the_other_formats_are_left_to_vllm(name: str) -> None:
    assert refusals(Asked(name, "torch.float64", 99, 1, speculative="eagle")) == []


def test_the_native_formats_need_a_power_of_two() -> None:
    (reason,) = refusals(replace(PLAIN, kv_cache_dtype="turboquant_3bit_nc", head_size=96))
    assert "96" in reason
    assert refusals(replace(PLAIN, head_size=96)) == []


@pytest.mark.parametrize("each", [*TRELLIS, *NATIVE], ids=lambda each: each.name)
def test_a_slot_has_the_bytes_that_the_preset_says(each: object) -> None:
    name = getattr(each, "name", "")
    codec = layer_codec(name, 128, [None, None])
    assert codec.size == slot_bytes(name, 128) == preset(name).bytes_per_token(128)


def test_the_exact_format_loses_nothing(gaussian: Callable[..., Tensor]) -> None:
    codec, x = layer_codec(EXACT, 64, [None] * 2), gaussian(10, 64).view(5, 2, 64)
    slots = codec.encode(x, -x, torch.arange(5))
    keys, values = codec.decode(slots, torch.arange(5))
    assert codec.size == slot_bytes(EXACT, 64)
    assert torch.equal(keys, x)
    assert torch.equal(values, -x)


def test_an_unknown_name_names_the_known_ones() -> None:
    with pytest.raises(UnknownPreset, match="'tq9x'.*tq6x, tq5x, tq4x, tq_exact"):
        slot_bytes("tq9x", 128)


def test_qwen2_has_a_key_bias_and_others_only_if_they_say_so() -> None:
    assert key_bias({"model_type": "qwen2", "rope_parameters": {"rope_theta": 1e6}}).base == 1e6
    assert key_bias({"model_type": "qwen2"}).present
    assert not key_bias({"model_type": "llama"}).present
    assert key_bias({"model_type": "llama", "attention_bias": True}).present


def test_a_rope_that_a_bias_cannot_follow_is_a_reason_only_where_there_is_a_bias() -> None:
    yarn = {"rope_parameters": {"rope_type": "yarn", "partial_rotary_factor": 0.5}}
    assert key_bias({"model_type": "llama", **yarn}).turned == ""
    turned = key_bias({"model_type": "qwen2", **yarn}).turned
    assert "'yarn'" in turned
    assert "0.5" in turned


def test_the_key_bias_is_read_from_the_weights(tmp_path: Path) -> None:
    bias = torch.arange(128.0)
    write_tensors(
        {
            "model.layers.3.self_attn.k_proj.bias": bias,
            "model.layers.3.self_attn.q_proj.bias": -bias,
        },
        tmp_path / "model.safetensors",
    )
    means = key_means(tmp_path, 3, 2, Rope(64))
    assert torch.equal(torch.cat([each.mean for each in means]), bias)
    with pytest.raises(Unsupported, match="Layer 4 must have a K bias of 2 heads of 64"):
        key_means(tmp_path, 4, 2, Rope(64))
