"""The two algorithms of the TurboQuant paper (arXiv 2504.19874), as it states them.

They are here to be compared with: a dense random rotation, Lloyd-Max levels of the exact sphere
density, norms in float32 (which the paper leaves out of its bit count and we count).
"""

import functools
import math
from dataclasses import dataclass

import torch
from torch import Tensor

from hekaton_quant.floats import bytes_float, float_bytes
from hekaton_quant.lloydmax import nearest, sphere_codebook, sphere_distortion
from hekaton_quant.packing import pack_low_first, unpack_low_first
from hekaton_quant.rotation import dense_rotation
from hekaton_quant.vector import sanitised


@dataclass(frozen=True, slots=True)
class PaperMse:
    """Algorithm 1: rotate, take the nearest level per coordinate, keep the norm."""

    head_size: int
    bits: int
    seed: int = 0

    @property
    def size(self) -> int:
        return (self.head_size * self.bits + 7) // 8 + 4

    def encode(self, x: Tensor) -> Tensor:
        """x: (n, head_size) float -> (n, size) uint8."""
        x = sanitised(x, self.head_size)
        norms = x.norm(dim=1, keepdim=True)
        y = (x / norms.clamp_min(1e-30)) @ dense_rotation(self.head_size, self.seed).T
        places = nearest(sphere_codebook(self.head_size, self.bits), y)
        packed = pack_low_first(places, self.bits)
        return torch.cat((packed, float_bytes(norms, torch.float32)), dim=1)

    def decode(self, slots: Tensor) -> Tensor:
        """slots: (n, size) uint8 -> (n, head_size) float32."""
        places = unpack_low_first(slots[:, :-4], self.bits, self.head_size)
        y = sphere_codebook(self.head_size, self.bits)[places]
        return (y @ dense_rotation(self.head_size, self.seed)) * bytes_float(
            slots[:, -4:], torch.float32
        )


def prod_distortion(head_size: int, bits: int) -> float:
    """Mean square of y . decoded(x) - y . x for random unit x and y under `PaperProd`, exactly.

    A sign of the sketch adds variance (pi / 2 - cos^2) |rest|^2 / d, with the cosine of the rest
    and y, whose square is 1 / d on average. The paper drops that and rounds the rest's length.
    """
    rest = sphere_distortion(head_size, bits - 1)
    return rest * (math.pi / 2 - 1 / head_size) / head_size


@functools.cache
def _sketch(size: int, seed: int) -> Tensor:
    """(size, size) float32 i.i.d. N(0, 1): the matrix of QJL."""
    return torch.randn(size, size, generator=torch.Generator().manual_seed(seed))


@dataclass(frozen=True, slots=True)
class PaperProd:
    """Algorithm 2: Algorithm 1 with one bit less, and the signs of a sketch of its residual."""

    head_size: int
    bits: int
    seed: int = 0

    @property
    def base(self) -> PaperMse:
        """The first stage, of `bits - 1` bits."""
        return PaperMse(self.head_size, self.bits - 1, self.seed)

    @property
    def size(self) -> int:
        return self.base.size + (self.head_size + 7) // 8 + 4

    def encode(self, x: Tensor) -> Tensor:
        """x: (n, head_size) float -> (n, size) uint8."""
        x = sanitised(x, self.head_size)
        first = self.base.encode(x)
        rest = x - self.base.decode(first)
        signs = (rest @ _sketch(self.head_size, self.seed + 1).T >= 0).to(torch.int64)
        lengths = float_bytes(rest.norm(dim=1, keepdim=True), torch.float32)
        return torch.cat((first, pack_low_first(signs, 1), lengths), dim=1)

    def decode(self, slots: Tensor) -> Tensor:
        """slots: (n, size) uint8 -> (n, head_size) float32."""
        size = self.base.size
        signs = unpack_low_first(slots[:, size:-4], 1, self.head_size).to(torch.float32) * 2 - 1
        lengths = bytes_float(slots[:, -4:], torch.float32)
        factor = math.sqrt(math.pi / 2) / self.head_size
        rest = factor * lengths * (signs @ _sketch(self.head_size, self.seed + 1))
        return self.base.decode(slots[:, :size]) + rest
