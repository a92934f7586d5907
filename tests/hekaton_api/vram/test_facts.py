"""The figures that everything is computed from are consistent, sourced, and equal to what is published."""

import pytest

from hekaton_api.vram.catalog import Catalog
from hekaton_api.vram.facts import checkpoints, kv_dtypes, machines, packings, published, shapes
from hekaton_api.vram.overhead import Serving, activations
from hekaton_api.vram.shape import Shape
from hekaton_api.vram.sizes import GIB
from hekaton_api.vram.weights import Packing, parameters, weight_bytes

SHAPES = {each.shape.name: each for each in shapes()}


@pytest.mark.parametrize("name", SHAPES)
def test_the_computed_parameters_are_those_that_the_maker_published(name: str) -> None:
    assert parameters(SHAPES[name].shape).total == SHAPES[name].parameters


def test_every_fact_has_a_source() -> None:
    facts = (*shapes(), *checkpoints(), *packings(), *kv_dtypes(), *machines(), *published())
    assert all(len(each.source) > 5 for each in facts)


def test_every_checkpoint_names_a_known_architecture_and_format() -> None:
    formats = {each.packing.name for each in packings()}
    assert {each.shape for each in checkpoints()} <= set(SHAPES)
    assert {each.format for each in checkpoints()} <= formats
    assert len({each.model for each in checkpoints()}) == len(checkpoints())


def test_kv_dtypes_are_ordered_from_the_widest_to_the_densest() -> None:
    slots = [each.dtype.slot(128) for each in kv_dtypes()]
    assert slots == sorted(slots, reverse=True)


@pytest.mark.parametrize(
    ("name", "slot"),
    [
        ("auto", 512),
        ("fp8", 256),
        ("turboquant_k8v4", 196),
        ("int4_per_token_head", 136),
        ("turboquant_4bit_nc", 134),
        ("turboquant_k3v4_nc", 118),
        ("turboquant_3bit_nc", 102),
        ("tq4x", 128),
        ("tq5x", 96),
        ("tq6x", 80),
    ],
)
def test_a_token_and_kv_head_of_128_takes_these_bytes(
    catalog: Catalog, name: str, slot: int
) -> None:
    dtype = catalog.dtype(name)
    assert dtype is not None
    assert dtype.slot(128) == slot


@pytest.mark.parametrize(("head", "slot"), [(64, 54), (256, 198)])
def test_vllms_three_bits_take_these_bytes_at_other_head_sizes(
    catalog: Catalog, head: int, slot: int
) -> None:
    dtype = catalog.dtype("turboquant_3bit_nc")
    assert dtype is not None
    assert dtype.slot(head) == slot


def test_weights_of_16_bits_take_two_bytes_a_parameter() -> None:
    shape = SHAPES["qwen2.5-32b"].shape
    assert weight_bytes(shape, Packing("none", 16, 1)) == 65_527_752_704


@pytest.mark.parametrize(
    ("shape", "tokens", "published_gib"),
    [
        (Shape("llama-3-8b", 32, 4096, 32, 8, 128, 14336, 128256, 8192), 8192, 1.26),
        (SHAPES["qwen2.5-1.5b"].shape, 2048, 1.39),
    ],
    ids=["llama-3-8b", "qwen2.5-1.5b"],
)
def test_activations_meet_two_published_profiles_within_three_percent(
    catalog: Catalog, shape: Shape, tokens: int, published_gib: float
) -> None:
    said = activations(shape, Serving(tokens, 256, tokens, True), catalog.constants)
    assert said / GIB == pytest.approx(published_gib, rel=0.03)
