"""Bytes per token: what the planner and the codec both count by."""

import subprocess
import sys

import pytest

from hekaton_quant.codec import trellis_head
from hekaton_quant.errors import UnknownPreset, Unsupported
from hekaton_quant.native import native_head
from hekaton_quant.sizes import (
    HEAD_SIZES,
    NATIVE,
    PLAIN,
    TRELLIS,
    ExactSpan,
    NativePreset,
    TrellisPreset,
    preset,
)


@pytest.mark.parametrize(("name", "most"), [("tq6x", 80), ("tq5x", 96), ("tq4x", 128)])
def test_a_preset_keeps_its_promise_at_head_size_128(name: str, most: int) -> None:
    assert preset(name).bytes_per_token(128) <= most


def test_five_bytes_of_a_third_is_exact() -> None:
    assert preset("bf16").bytes_per_token(128) / preset("tq5x").bytes_per_token(128) == 16 / 3


@pytest.mark.parametrize("size", HEAD_SIZES)
@pytest.mark.parametrize("each", TRELLIS, ids=lambda p: p.name)
def test_the_codec_lays_out_the_bytes_that_the_preset_states(
    each: TrellisPreset, size: int
) -> None:
    head = trellis_head(each, size)
    assert head.size == each.bytes_per_token(size)
    assert (head.keys.size, head.values.size) == (each.key_bytes(size), each.value_bytes(size))


@pytest.mark.parametrize("each", [*NATIVE, *PLAIN], ids=lambda p: p.name)
def test_a_peer_lays_out_the_bytes_that_its_preset_states(each: NativePreset) -> None:
    assert native_head(each, 128).size == each.bytes_per_token(128)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("turboquant_k8v4", 196),
        ("turboquant_4bit_nc", 134),
        ("turboquant_k3v4_nc", 118),
        ("turboquant_3bit_nc", 102),
        ("bf16", 512),
        ("fp8", 256),
    ],
)
def test_the_slots_of_vllm_have_their_known_sizes(name: str, size: int) -> None:
    assert preset(name).bytes_per_token(128) == size


def test_boundary_layers_are_counted_in_bf16() -> None:
    three = preset("turboquant_3bit_nc")
    assert isinstance(three, NativePreset)
    assert three.mean_bytes_per_token(128, 36) == pytest.approx((32 * 102 + 4 * 512) / 36)


def test_an_exact_span_is_counted() -> None:
    assert ExactSpan(sink=4, window=128).extra_bytes(128, 32768) == pytest.approx(132 * 512 / 32768)
    assert ExactSpan(sink=4, window=128).extra_bytes(128, 0) == 0.0


def test_an_unknown_preset_names_the_known_ones() -> None:
    with pytest.raises(UnknownPreset, match=r"'tq7x'; known: tq6x, tq5x, tq4x, turboquant_k8v4"):
        preset("tq7x")


def test_a_head_size_without_a_layout_is_refused() -> None:
    with pytest.raises(Unsupported, match="Head size 100 has no trellis layout; known: 64, 96"):
        preset("tq5x").bytes_per_token(100)


def test_sizes_need_no_torch() -> None:
    code = "import sys, hekaton_quant.sizes; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
