"""Rotary position embedding in the half-split (NeoX) order that Llama and Qwen use.

The codec needs it to move a K mean, which is constant before RoPE, to a token's position.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Rope:
    """Rotations of `head_size` channels in pairs (i, i + head_size / 2)."""

    head_size: int
    base: float = 10_000.0

    def angles(self, positions: Tensor) -> Tensor:
        """positions: (...,) int -> (..., head_size / 2) radians, float32."""
        half = self.head_size // 2
        steps = torch.arange(half, dtype=torch.float64, device=positions.device)
        frequencies = self.base ** (-steps / half)
        # float64 up to here: at position 100 000 a float32 product is off by 0.004 radians.
        return (positions.to(torch.float64).unsqueeze(-1) * frequencies).to(torch.float32)

    def rotate(self, x: Tensor, positions: Tensor) -> Tensor:
        """x: (..., head_size), positions broadcastable to x.shape[:-1]; float32 out."""
        angles = self.angles(positions)
        cos, sin = angles.cos(), angles.sin()
        left, right = x.to(torch.float32).chunk(2, dim=-1)
        return torch.cat((left * cos - right * sin, right * cos + left * sin), dim=-1)
