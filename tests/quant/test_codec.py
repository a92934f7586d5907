"""The KV codec: K means move with RoPE, and the layers add up."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from hekaton_quant.codec import HeadCodec, KeyMean, LayerCodec, trellis_head, trellis_layer
from hekaton_quant.errors import BadTensor, Unsupported
from hekaton_quant.rope import Rope
from hekaton_quant.sizes import TQ5X, TQ6X

Gaussian = Callable[..., Tensor]


def biased_keys(gaussian: Gaussian) -> tuple[Tensor, Tensor, KeyMean, Tensor]:
    rope = Rope(64)
    mean = gaussian(1, 64, 9)[0] * 20
    positions = torch.arange(90) + 4000
    keys = rope.rotate(gaussian(90, 64) + mean, positions)
    return keys, gaussian(90, 64, 1), KeyMean(mean, rope), positions


def error(head: HeadCodec, keys: Tensor, values: Tensor, positions: Tensor) -> float:
    back, _ = head.decode(head.encode(keys, values, positions), positions)
    return float((back - keys).square().mean())


def test_taking_the_mean_away_saves_what_a_bias_would_cost(gaussian: Gaussian) -> None:
    keys, values, mean, positions = biased_keys(gaussian)
    with_mean = error(trellis_head(TQ5X, 64, mean), keys, values, positions)
    without = error(trellis_head(TQ5X, 64), keys, values, positions)
    assert with_mean < 0.04
    assert without > 100 * with_mean


def test_the_mean_of_another_position_is_no_help(gaussian: Gaussian) -> None:
    keys, values, mean, positions = biased_keys(gaussian)
    head = trellis_head(TQ5X, 64, mean)
    back, _ = head.decode(head.encode(keys, values, positions), positions + 50)
    assert (back - keys).square().mean() > 1


def test_a_layer_codes_each_head_with_its_own_codec(gaussian: Gaussian) -> None:
    rope = Rope(64)
    means = [KeyMean(gaussian(1, 64, seed)[0] * 20, rope) for seed in (1, 2)]
    layer = trellis_layer(TQ5X, 64, means)
    positions = torch.arange(30)
    keys = torch.stack([m.at(positions) + gaussian(30, 64, 3) for m in means], dim=1)
    values = gaussian(60, 64, 4).view(30, 2, 64)
    slots = layer.encode(keys, values, positions)
    assert slots.shape == (30, 2, TQ5X.bytes_per_token(64))
    back = layer.decode(slots, positions)
    assert (back[0] - keys).square().mean() < 0.04
    assert (back[1] - values).square().mean() < 0.04


def test_heads_of_unequal_slots_are_refused() -> None:
    with pytest.raises(Unsupported, match=r"slots of \[40, 48\] bytes"):
        LayerCodec((trellis_head(TQ5X, 64), trellis_head(TQ6X, 64)))


def test_lengths_that_differ_are_refused(gaussian: Gaussian) -> None:
    with pytest.raises(BadTensor, match="3 keys, 3 values, 2 positions"):
        trellis_head(TQ5X, 64).encode(gaussian(3, 64), gaussian(3, 64), torch.arange(2))


def test_an_empty_sequence_is_an_empty_slot_tensor() -> None:
    layer = trellis_layer(TQ5X, 64, [None])
    slots = layer.encode(torch.empty(0, 1, 64), torch.empty(0, 1, 64), torch.empty(0).long())
    assert slots.shape == (0, 1, 48)
