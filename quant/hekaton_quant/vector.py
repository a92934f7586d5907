"""Codecs for one vector: the seam that our trellis code, the paper's and vLLM's codes share."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from hekaton_quant.errors import BadTensor
from hekaton_quant.packing import pack_bits, unpack_bits
from hekaton_quant.quick import Search, quick_path
from hekaton_quant.scale import scale_codes, scale_values
from hekaton_quant.tables import SCALE_BITS
from hekaton_quant.trellis import Trellis

LIMIT = 32768.0
"""Largest magnitude that a codec takes; larger values and infinities are clamped to it."""


class VectorCodec(Protocol):
    """Encodes vectors one by one: no state, the same bytes for the same vector."""

    @property
    def head_size(self) -> int:
        """Coordinates of a vector."""
        ...

    @property
    def size(self) -> int:
        """Bytes of an encoded vector, everything included."""
        ...

    def encode(self, x: Tensor) -> Tensor:
        """x: (n, head_size) float -> (n, size) uint8. NaN counts as 0, infinity as `LIMIT`."""
        ...

    def decode(self, slots: Tensor) -> Tensor:
        """slots: (n, size) uint8 -> (n, head_size) float32."""
        ...


def sanitised(x: Tensor, head_size: int) -> Tensor:
    """Check the shape and dtype of x and return it finite, in float32."""
    if x.dim() != 2 or x.shape[1] != head_size:
        raise BadTensor(f"x has shape {tuple(x.shape)}; this codec needs (n, {head_size}).")
    if not x.is_floating_point():
        raise BadTensor(f"x has dtype {x.dtype}; give a float tensor.")
    return x.detach().to(torch.float32).nan_to_num(0.0, LIMIT, -LIMIT).clamp(-LIMIT, LIMIT)


@dataclass(frozen=True)
class TrellisVector:
    """Shift, transform, scale, trellis: the code of every `tq` preset.

    forward, backward: (d, d) and inverse to each other; y = forward (x - mean) is what is coded,
    with unit variance expected in each coordinate up to the common scale.
    """

    trellis: Trellis
    forward: Tensor
    backward: Tensor
    mean: Tensor
    unbiased: bool = True
    """Move the scale so that y . decoded(y) = |y|^2; else it stays as the encoder divided by it."""
    measured: int | None = None
    """How many leading coordinates the scale is the root mean square of; None for all."""
    reach: Tensor | None = None
    """(d,) the largest multiple of the scale that each coordinate's table goes to, or infinity."""
    search: Search | None = None
    """Encode by this quick search instead of Viterbi; the slots read the same."""

    @property
    def head_size(self) -> int:
        return len(self.mean)

    @property
    def size(self) -> int:
        return (SCALE_BITS + self.trellis.total + 7) // 8

    def encode(self, x: Tensor) -> Tensor:
        """x: (n, d) float -> (n, size) uint8."""
        y = (sanitised(x, self.head_size) - self.mean) @ self.forward.T
        codes = scale_codes(self._spread(y))
        stream = self._stream(y / scale_values(codes).clamp_min(1e-30).unsqueeze(1))
        if self.unbiased:
            codes = scale_codes(_fair(y, self.trellis.decode(stream)))
        bits = (codes.unsqueeze(1) >> torch.arange(SCALE_BITS - 1, -1, -1)) & 1
        return pack_bits(torch.cat((bits.to(torch.uint8), stream), dim=1))

    def _stream(self, x: Tensor) -> Tensor:
        if self.search is None:
            return self.trellis.encode(x)
        return self.trellis.stream(quick_path(self.trellis, x, self.search))

    def decode(self, slots: Tensor) -> Tensor:
        """slots: (n, size) uint8 -> (n, d) float32."""
        if slots.dtype != torch.uint8 or slots.dim() != 2 or slots.shape[1] != self.size:
            shape = tuple(slots.shape)
            raise BadTensor(f"slots are {shape} {slots.dtype}; need (n, {self.size}) uint8.")
        stream = unpack_bits(slots[:, 1:], self.trellis.total)
        y = self.trellis.decode(stream) * scale_values(slots[:, 0]).unsqueeze(1)
        return y @ self.backward.T + self.mean

    def _spread(self, y: Tensor) -> Tensor:
        """Root mean square of the measured coordinates, or more where one would not be reached."""
        scales = y[:, : self.measured].square().mean(dim=1).sqrt()
        if self.reach is None:
            return scales
        return torch.maximum(scales, (y.abs() / self.reach).amax(dim=1))


def _fair(y: Tensor, words: Tensor) -> Tensor:
    """The scale of each codeword that makes y . (scale * word) = |y|^2."""
    dots = (y * words).sum(dim=1)
    # A word that barely points along y would blow up: twice least squares is the most.
    most = 2 * dots / words.square().sum(dim=1).clamp_min(1e-30)
    return torch.minimum(y.square().sum(dim=1) / dots.clamp_min(1e-30), most).clamp_min(0.0)
