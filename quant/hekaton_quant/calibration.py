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

_ERRORS = (1.0, 0.290, 0.0762, 0.0198, 0.0052, 0.0014, 0.00037, 0.0001)
"""Squared error of a unit coordinate at 0 to 7 bits, as the trained tables reach it."""


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


def basis(mean: Tensor, spread: Tensor, weight: Tensor, floor: float = 0.02) -> Basis:
    """Find the coordinates; `floor` is the share of a flat matrix mixed into both moments."""
    root = _root(_softened(weight, floor), 0.5)
    back = _root(_softened(weight, floor), -0.5)
    energy, turn = torch.linalg.eigh(root @ _softened(spread, floor) @ root)
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


def calibrated_head(keys: Basis, values: Basis, size: int, rope: KeyMean) -> HeadCodec:
    """The codec of one head in `size` bytes, bits shared between K and V."""
    pool = share_bits(torch.cat((keys.variances, values.variances)), 8 * size - 2 * SCALE_BITS)
    split = len(keys.variances)
    # Each side ends on a byte, so the bits of K are rounded and V takes the rest.
    key_bits = min(max(8 * round(sum(pool[:split]) / 8), 64), 8 * size - 2 * SCALE_BITS - 64)
    value_bits = 8 * size - 2 * SCALE_BITS - key_bits
    return HeadCodec(_side(keys, key_bits, 0.0), _side(values, value_bits, 1.0), rope)


def _side(basis: Basis, total: int, mean: float) -> TrellisVector:
    trellis = Trellis(share_bits(basis.variances, total), mixed_tables())
    return TrellisVector(trellis, basis.forward, basis.backward, basis.mean * mean)
