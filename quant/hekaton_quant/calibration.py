"""A basis and a share of bits for each head, from second moments of its vectors and their slopes.

With weights W and covariance S the error to keep small is tr(W E). In the eigenbasis of
W^1/2 S W^1/2 the coordinates are uncorrelated and their errors count equally, so bits go where the
next one lowers the error most; K and V of a head share one slot and so one pool of bits.
"""

import heapq
from dataclasses import dataclass

import torch
from torch import Tensor

from hekaton_quant.codec import HeadCodec, KeyMean
from hekaton_quant.tables import MOST_BITS, SCALE_BITS, mixed_tables
from hekaton_quant.trellis import Trellis
from hekaton_quant.vector import TrellisVector

_ERRORS = (1.0, 0.299, 0.0762, 0.0195, 0.0050, 0.0013, 0.00036, 0.0001)
"""Squared error of a unit coordinate at 0 to 7 bits, as the trained tables reach it."""


_WEIGHT_FLOOR = 0.02
"""Share of a flat matrix in the weights, so that no direction counts as free."""
_SPREAD_FLOOR = 0.001
"""The same for the covariance; more of it costs far more than it protects (`docs/turboquant.md`)."""
_SURE_BITS = 3
"""Coordinates of at least so many bits say how long a vector is; the others are mostly noise."""
_WIDE_BITS = 5
"""From so many bits on, a value beyond the entries costs more than a coarser scale."""
_REACH = 2.0
"""Up to so many scales every window of a 7-bit table has entries; the table's largest entry, 5,
stands in few windows, and the loss of a vector of 4 was a hundred times what its bits promise."""


@dataclass(frozen=True, slots=True)
class Basis:
    """Coordinates of one side of a head, by falling variance.

    forward: (d, d), y = forward (x - mean) has unit variances; backward undoes it.
    """

    mean: Tensor
    forward: Tensor
    backward: Tensor
    variances: Tensor
    """(d,) expected square of each coordinate before it was scaled to one, in units of loss."""


def basis(mean: Tensor, spread: Tensor, weight: Tensor) -> Basis:
    """Find the coordinates of one side of a head from its second moments, all (d, d)."""
    root = _root(_softened(weight, _WEIGHT_FLOOR), 0.5)
    back = _root(_softened(weight, _WEIGHT_FLOOR), -0.5)
    moment = _softened(root @ spread.double() @ root, _SPREAD_FLOOR)
    energy, turn = torch.linalg.eigh(moment)
    order = energy.argsort(descending=True)
    energy, turn = energy[order].clamp_min(1e-30), turn[:, order]
    forward = (turn.T @ root) / energy.sqrt().unsqueeze(1)
    backward = (back @ turn) * energy.sqrt()
    return Basis(mean, forward.float(), backward.float(), energy.float())


def _softened(moment: Tensor, floor: float) -> Tensor:
    size = len(moment)
    wide = moment.double()
    flat = torch.eye(size, dtype=torch.float64) * (wide.trace() / size + 1e-30)
    return (1 - floor) * wide + floor * flat


def _root(matrix: Tensor, power: float) -> Tensor:
    energy, turn = torch.linalg.eigh(matrix)
    root: Tensor = (turn * energy.clamp_min(1e-30).pow(power)) @ turn.T
    return root


def share_bits(variances: Tensor, total: int) -> tuple[int, ...]:
    """Give `total` bits one by one to the coordinate whose error the next bit lowers most."""
    bits = [0] * len(variances)
    values = variances.tolist()
    gains = [(-value * (_ERRORS[0] - _ERRORS[1]), i) for i, value in enumerate(values)]
    heapq.heapify(gains)
    for _ in range(total):
        _, i = heapq.heappop(gains)
        bits[i] += 1
        if bits[i] < MOST_BITS:
            gain = values[i] * (_ERRORS[bits[i]] - _ERRORS[bits[i] + 1])
            heapq.heappush(gains, (-gain, i))
    return tuple(bits)


def expected_loss(keys: Basis, values: Basis, size: int) -> float:
    """What `calibrated_head` is expected to lose of one token in `size` bytes, in units of loss."""
    variances = torch.cat((keys.variances, values.variances))
    pool = share_bits(variances, 8 * size - 2 * SCALE_BITS)
    errors = torch.tensor([_ERRORS[rate] for rate in pool])
    return float((variances * errors).sum())


def calibrated_head(
    keys: Basis, values: Basis, size: int, key_mean: KeyMean, unbiased: bool = False
) -> HeadCodec:
    """The codec of one head in `size` bytes, bits shared between K and V.

    unbiased: stretch each coded coordinate by what a least-squares code shrinks it, so that
    y_i decoded(y)_i is y_i^2 on average; a coordinate without bits stays at its mean.
    """
    pool = share_bits(torch.cat((keys.variances, values.variances)), 8 * size - 2 * SCALE_BITS)
    split = len(keys.variances)
    # Each side ends on a byte, so the bits of K are rounded and V takes the rest.
    key_bits = min(max(8 * round(sum(pool[:split]) / 8), 64), 8 * size - 2 * SCALE_BITS - 64)
    value_bits = 8 * size - 2 * SCALE_BITS - key_bits
    still = torch.zeros(split)
    return HeadCodec(
        _side(keys, key_bits, still, unbiased),
        _side(values, value_bits, values.mean, unbiased),
        key_mean,
    )


def _side(basis: Basis, total: int, mean: Tensor, unbiased: bool) -> TrellisVector:
    """One side of a head in `total` bits; variances fall, so the leading coordinates are sure."""
    bits, tables = share_bits(basis.variances, total), mixed_tables()
    weights = (basis.variances / basis.variances[0]).tolist()
    sure = sum(rate >= _SURE_BITS for rate in bits)
    reach = [_REACH if rate >= _WIDE_BITS else torch.inf for rate in bits]
    return TrellisVector(
        trellis=Trellis(bits, tables, tuple(weights)),
        forward=basis.forward,
        backward=basis.backward * _stretch(bits) if unbiased else basis.backward,
        mean=mean,
        unbiased=False,
        measured=max(sure, 8),
        reach=torch.tensor(reach),
    )


def _stretch(bits: tuple[int, ...]) -> Tensor:
    """(d,) 1 / (1 - error) for each coded coordinate."""
    return torch.tensor([1 / (1 - _ERRORS[rate]) if rate else 1.0 for rate in bits])
