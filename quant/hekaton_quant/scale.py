"""A vector's scale in one byte: a logarithmic grid of fourteen steps an octave.

Zero is the zero vector. The grid spans 2^-10 to 2^8; a scale outside is clamped, so a vector of
root mean square above 256 comes back too short, and one below 2^-10 with that absolute error.
"""

import torch
from torch import Tensor

_STEPS = 14
_ORIGIN = 141
"""The code that stands for a scale of one."""


def scale_codes(scales: Tensor) -> Tensor:
    """scales: (n,) float32, not negative -> (n,) int64 in 0..255, the nearest in logarithm."""
    codes = (scales.clamp_min(1e-30).log2() * _STEPS).round().to(torch.int64) + _ORIGIN
    return torch.where(scales > 0, codes.clamp(1, 255), torch.zeros_like(codes))


def scale_values(codes: Tensor) -> Tensor:
    """codes: (n,) integer -> (n,) float32; zero for code 0."""
    values = torch.exp2((codes.to(torch.float32) - _ORIGIN) / _STEPS)
    return torch.where(codes == 0, torch.zeros_like(values), values)
