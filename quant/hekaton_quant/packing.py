"""Bit fields to bytes and back, most significant bit first, without padding between fields."""

import torch
from torch import Tensor


def pack_bits(bits: Tensor) -> Tensor:
    """bits: (n, total) uint8 of 0 and 1 -> (n, ceil(total / 8)) uint8."""
    padded = torch.nn.functional.pad(bits, (0, -bits.shape[1] % 8))
    groups = padded.view(len(bits), padded.shape[1] // 8, 8).to(torch.int64)
    weights = 1 << torch.arange(7, -1, -1)
    return (groups * weights).sum(dim=-1).to(torch.uint8)


def unpack_bits(packed: Tensor, total: int) -> Tensor:
    """packed: (n, bytes) uint8 -> (n, total) uint8 of 0 and 1."""
    shifts = torch.arange(7, -1, -1, dtype=torch.uint8)
    bits = (packed.unsqueeze(-1) >> shifts) & 1
    return bits.flatten(1)[:, :total]


def pack_low_first(fields: Tensor, width: int) -> Tensor:
    """fields: (n, count) int64 below 2^width -> bytes, fields and bits from the least significant.

    This is the order of vLLM's own slots: field i takes bits width * i up to width * (i + 1).
    """
    bits = (fields.unsqueeze(-1) >> torch.arange(width)) & 1
    flat = bits.flatten(1)
    padded = torch.nn.functional.pad(flat, (0, -flat.shape[1] % 8))
    weights = 1 << torch.arange(8)
    groups = padded.view(len(fields), padded.shape[1] // 8, 8)
    return (groups * weights).sum(dim=-1).to(torch.uint8)


def unpack_low_first(packed: Tensor, width: int, count: int) -> Tensor:
    """Undo `pack_low_first`: (n, bytes) uint8 -> (n, count) int64."""
    shifts = torch.arange(8, dtype=torch.uint8)
    bits = ((packed.unsqueeze(-1) >> shifts) & 1).flatten(1)[:, : width * count]
    weights = 1 << torch.arange(width)
    return (bits.view(len(packed), count, width).to(torch.int64) * weights).sum(dim=-1)
