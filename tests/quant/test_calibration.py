"""Calibrated codecs: bits follow the loss, and a squared error counts by its weight."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from hekaton_quant.calibration import basis, calibrated_head, expected_loss, share_bits
from hekaton_quant.codec import KeyMean, trellis_head
from hekaton_quant.rope import Rope
from hekaton_quant.sizes import TQ4X, TQ5X
from hekaton_quant.stored import HeadBases, layer_sizes
from hekaton_quant.tables import MOST_BITS, mixed_tables
from hekaton_quant.trellis import Trellis

Gaussian = Callable[..., Tensor]


@given(st.lists(st.floats(1e-6, 1e6), min_size=8, max_size=64), st.integers(0, 8 * MOST_BITS))
@settings(deadline=None)
def test_every_bit_is_given_and_more_variance_never_gets_less(
    values: list[float], total: int
) -> None:
    variances = torch.tensor(sorted(values, reverse=True))
    bits = share_bits(variances, total)
    assert sum(bits) == total
    assert max(bits) <= MOST_BITS
    distinct = [b for b, v in zip(bits, variances.diff(append=torch.zeros(1)), strict=True) if v]
    assert distinct == sorted(distinct, reverse=True)


def test_a_basis_undoes_itself_and_has_unit_variances(gaussian: Gaussian) -> None:
    x = gaussian(4000, 64) @ gaussian(64, 64, 1)
    slopes = gaussian(4000, 64, 2) @ gaussian(64, 64, 3)
    found = basis(torch.zeros(64), x.T @ x / 4000, slopes.T @ slopes / 4000)
    torch.testing.assert_close(found.backward @ found.forward, torch.eye(64), atol=1e-3, rtol=0)
    y = x @ found.forward.T
    assert y[:, :32].square().mean(dim=0).tolist() == pytest.approx([1.0] * 32, abs=0.06)
    assert found.variances.diff().le(0).all()


def test_weights_keep_fine_coordinates_fine(gaussian: Gaussian) -> None:
    bits = (5,) * 16 + (1,) * 16
    x = gaussian(200, 32)
    plain = Trellis(bits, mixed_tables())
    weighted = Trellis(bits, mixed_tables(), (1.0,) * 16 + (0.01,) * 16)

    def error(trellis: Trellis) -> float:
        return float((trellis.decode(trellis.encode(x)) - x)[:, :16].square().mean())

    assert error(weighted) < 0.6 * error(plain)


def test_a_calibrated_head_loses_less_of_what_counts(gaussian: Gaussian) -> None:
    mix, seen = gaussian(64, 64, 1) ** 3, gaussian(64, 64, 2) ** 3
    x, positions = gaussian(2000, 64) @ mix, torch.arange(2000)
    moment, weight = x.T @ x / 2000, seen @ seen.T
    side = basis(torch.zeros(64), moment, weight)
    mean = KeyMean(torch.zeros(64), Rope(64))
    fitted = calibrated_head(side, side, TQ5X.bytes_per_token(64), mean)
    plain = trellis_head(TQ5X, 64)
    assert fitted.size == plain.size

    def loss(keys: Tensor, values: Tensor) -> float:
        return float(sum(((each - x[:300]) @ seen).square().mean() for each in (keys, values)))

    losses = [
        loss(*head.decode(head.encode(x[:300], x[:300], positions[:300]), positions[:300]))
        for head in (fitted, plain)
    ]
    assert losses[0] < 0.7 * losses[1]


def test_an_unbiased_calibrated_head_gives_every_coded_coordinate_its_length_back(
    gaussian: Gaussian,
) -> None:
    mix = gaussian(64, 64, 1) ** 3
    x = gaussian(4000, 64) @ mix
    side = basis(torch.zeros(64), x.T @ x / 4000, torch.eye(64))
    mean = KeyMean(torch.zeros(64), Rope(64))
    slopes = []
    for unbiased in (False, True):
        codec = calibrated_head(side, side, TQ5X.bytes_per_token(64), mean, unbiased).keys
        y, z = (each[:500] @ side.forward.T for each in (x, codec.decode(codec.encode(x[:500]))))
        coded = torch.tensor([2 <= rate <= 4 for rate in codec.trellis.bits])  # type: ignore[attr-defined]
        slope = (y * z).sum(dim=0) / y.square().sum(dim=0)
        slopes.append(float(slope[coded].mean()))
    assert slopes[0] < 0.985
    assert slopes[1] == pytest.approx(1.0, abs=0.01)


def test_a_value_far_out_of_a_fine_coordinate_costs_little_more(
    gaussian: Gaussian,
) -> None:
    x = gaussian(4000, 64) * torch.logspace(1, -1.5, 64)
    side = basis(torch.zeros(64), x.T @ x / 4000, torch.eye(64))
    mean = KeyMean(torch.zeros(64), Rope(64))
    codec = calibrated_head(side, side, TQ4X.bytes_per_token(64), mean).values
    far = x[:40].clone()
    far[:, 0] = 4 * 10.0

    def loss(given: Tensor) -> float:
        return float((codec.decode(codec.encode(given)) - given).square().sum(dim=1).mean())

    assert loss(far) < 20 * loss(x[:40])


def test_a_plan_shares_the_same_bytes_and_expects_no_more_loss(gaussian: Gaussian) -> None:
    def heads(gain: float) -> list[HeadBases]:
        x = gaussian(500, 64) @ gaussian(64, 64, 1) ** 3
        side = basis(torch.zeros(64), x.T @ x / 500 * gain, torch.eye(64))
        return [(side, side)]

    layers = [heads(gain) for gain in (1.0, 50.0, 2.0, 0.1)]
    sizes = layer_sizes(layers, 48, 36, 64)
    even = sum(expected_loss(k, v, 48) for pairs in layers for k, v in pairs)
    planned = sum(
        expected_loss(k, v, size)
        for pairs, size in zip(layers, sizes, strict=True)
        for k, v in pairs
    )
    assert sum(sizes) == 4 * 48
    assert max(sizes) == sizes[1] == 64
    assert min(sizes) == sizes[3]
    assert planned < even
