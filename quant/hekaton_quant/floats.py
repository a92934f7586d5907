"""Little-endian floats inside uint8 slots, and the float formats that caches use as they are."""

from dataclasses import dataclass

import torch
from torch import Tensor

from hekaton_quant.vector import sanitised


def float_bytes(x: Tensor, dtype: torch.dtype) -> Tensor:
    """x: (n, k) -> (n, k * itemsize) uint8; finite values beyond the format are clamped to it."""
    most = torch.finfo(dtype).max
    return x.clamp(-most, most).to(dtype).contiguous().view(torch.uint8)


def bytes_float(slots: Tensor, dtype: torch.dtype) -> Tensor:
    """slots: (n, k * itemsize) uint8 -> (n, k) float32."""
    return slots.contiguous().view(dtype).to(torch.float32)


@dataclass(frozen=True, slots=True)
class FloatVector:
    """A vector kept in a float format without a scale: bf16 or fp8 caches."""

    head_size: int
    dtype: torch.dtype

    @property
    def size(self) -> int:
        return self.head_size * self.dtype.itemsize

    def encode(self, x: Tensor) -> Tensor:
        """x: (n, head_size) float -> (n, size) uint8."""
        return float_bytes(sanitised(x, self.head_size), self.dtype)

    def decode(self, slots: Tensor) -> Tensor:
        """slots: (n, size) uint8 -> (n, head_size) float32."""
        return bytes_float(slots, self.dtype)
