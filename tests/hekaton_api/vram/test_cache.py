"""KV caches are laid out as vLLM does it: figures are what a real vLLM 0.32 reported on CPU, or the
arithmetic of its sources."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hekaton_api.vram.cache import Cache, cache, group
from hekaton_api.vram.catalog import Catalog, shipped
from hekaton_api.vram.engine import Engine
from hekaton_api.vram.shape import Latent, Shape
from hekaton_api.vram.sizes import GIB
from hekaton_api.vram.storage import KvDtype

TINY = Shape("tiny", 6, 256, 4, 2, 128, 512, 4096, 2048)
LITE = "deepseek-ai/DeepSeek-Coder-V2-Lite-Instruct"


def laid(shape: Shape, name: str, block: int = 0, **more: int) -> Cache:
    dtype = shipped().dtype(name)
    assert dtype is not None
    return cache(shape, dtype, engine="vllm", batched=more.get("batched", 2048), block=block)


@pytest.mark.parametrize(
    ("name", "tokens"), [("auto", 174_720), ("fp8", 349_440), ("int4_per_token_head", 657_920)]
)
def test_a_gib_holds_what_vllm_reports_on_cpu(name: str, tokens: int) -> None:
    assert laid(TINY, name, block=128).tokens(GIB, 128) == tokens


@pytest.mark.parametrize(
    ("name", "block"),
    [
        ("turboquant_k8v4", 48),
        ("turboquant_4bit_nc", 64),
        ("turboquant_k3v4_nc", 80),
        ("turboquant_3bit_nc", 96),
    ],
)
def test_blocks_of_a_preset_cover_a_page_of_16_bits(name: str, block: int) -> None:
    assert laid(TINY, name).block == block


def test_four_layers_of_a_preset_stay_in_16_bits_and_are_not_padded() -> None:
    deep = Shape("deep", 36, 4096, 32, 8, 128, 12288, 151936, 40960)
    packed = laid(deep, "turboquant_3bit_nc")
    per_token = packed.block_bytes / packed.block
    assert per_token == 8 * (32 * 102 + 4 * 512)
    assert 36 * 8 * 512 / per_token == pytest.approx(3.47, abs=0.005)


def test_our_presets_compress_every_layer() -> None:
    deep = Shape("deep", 36, 4096, 32, 8, 128, 12288, 151936, 40960)
    wide, packed = laid(deep, "auto"), laid(deep, "tq5x")
    assert wide.block_bytes / packed.block_bytes == pytest.approx(16 / 3)


def test_latent_attention_keeps_one_vector_a_token_and_layer(
    served: Callable[..., Engine],
) -> None:
    plain = served(LITE, context_length=8192, max_sequences=1).cache
    halved = served(LITE, context_length=8192, max_sequences=1, kv_cache_dtype="fp8").cache
    assert plain.block_bytes == 64 * 27 * (512 + 64) * 2
    assert halved.block_bytes * 2 == plain.block_bytes


def test_layers_with_a_window_keep_no_more_than_the_window_and_one_batch() -> None:
    mixed = Shape(
        "mixed", 24, 2880, 64, 8, 64, 2880, 201088, 131072, window=128, windowed_layers=12
    )
    both = laid(mixed, "auto")
    assert (both.full_groups, both.window_groups) == (1, 1)
    assert both.blocks(131072) == 8192 + -(-(127 + 2048) // 16) + 1
    assert both.blocks(16) == 1 + 2


@pytest.mark.parametrize(
    ("full", "windowed", "size"), [(10, 20, 10), (13, 12, 13), (5, 25, 5), (0, 7, 7)]
)
def test_groups_share_a_pool_as_in_vllm(full: int, windowed: int, size: int) -> None:
    assert group(full, windowed) == size


def test_kv_heads_are_divided_among_gpus_and_never_below_one() -> None:
    dtype = shipped().dtype("auto")
    assert dtype is not None
    one, two, four = (
        cache(TINY, dtype, engine="vllm", batched=2048, gpus=gpus).block_bytes for gpus in (1, 2, 4)
    )
    assert (one, two) == (2 * two, four)


shapes = st.builds(
    Shape,
    name=st.just("any"),
    layers=st.integers(1, 80),
    hidden=st.just(4096),
    heads=st.just(32),
    kv_heads=st.sampled_from((1, 2, 4, 8, 32)),
    head_dim=st.sampled_from((64, 128, 256)),
    intermediate=st.just(11008),
    vocab=st.just(32000),
    positions=st.just(131072),
    latent=st.none() | st.just(Latent(512, 64, 128, 128)),
)
dtypes = st.sampled_from(shipped().dtypes)


@given(shape=shapes, dtype=dtypes, context=st.integers(1, 200_000), sequences=st.integers(1, 64))
def test_a_cache_grows_with_context_and_sequences_and_is_whole_blocks(
    shape: Shape, dtype: KvDtype, context: int, sequences: int
) -> None:
    one = cache(shape, dtype, engine="vllm", batched=2048)
    size = one.size(context, sequences)
    assert size % one.block_bytes == 0
    assert size <= one.size(context + 1, sequences)
    assert size < one.size(context, sequences + 1)


@given(shape=shapes, context=st.integers(1, 200_000), sequences=st.integers(1, 64))
def test_a_pool_of_the_planned_size_holds_the_planned_sequences(
    shape: Shape, context: int, sequences: int
) -> None:
    one = laid(shape, "auto")
    blocks = one.size(context, sequences) // one.block_bytes - 1
    assert blocks == sequences * one.blocks(context)
    assert one.blocks(context) * one.block >= context


def test_a_catalog_knows_dtypes_by_their_other_names(catalog: Catalog) -> None:
    assert catalog.dtype("bfloat16") is catalog.dtype("auto")
    assert catalog.dtype("fp8_e4m3") is catalog.dtype("fp8")
