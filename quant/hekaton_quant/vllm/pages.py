"""Which slots of the paged cache a step reads and writes, as index tensors. Pure torch, no vLLM.

Blocks that several requests share (a cached prefix) are read once. A token's position is its index
in its sequence, which a shared block has in common for all that share it.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Reading:
    """One step over a batch; all tensors are int64 but for `table`."""

    written: Tensor
    """(new tokens,) position of each token that the step adds."""
    blocks: int
    """How many different blocks the step reads."""
    table: Tensor
    """(requests, columns) int32: the block table with the blocks numbered from 0."""
    block: Tensor
    """(tokens,) block of each cached token, the new ones included."""
    offset: Tensor
    """(tokens,) its place in the block."""
    position: Tensor
    """(tokens,) its index in its sequence."""
    slot: Tensor
    """(tokens,) its slot among the renumbered blocks."""


def reading(table: Tensor, lengths: Tensor, starts: Tensor, size: int) -> Reading:
    """Plan a step.

    table: (requests, columns) blocks of each sequence; lengths: (requests,) tokens of each, the
    new ones included; starts: (requests + 1,) where each request's new tokens begin; size: tokens
    of a block.
    """
    lengths, fresh = lengths.to(torch.int64), starts.diff().to(torch.int64)
    requests = len(fresh)
    lengths, table = lengths[:requests], table[:requests]
    written = _counted(fresh) + (lengths - fresh).repeat_interleave(fresh)
    columns = torch.arange(table.shape[1])
    used = columns * size < lengths.unsqueeze(1)
    blocks, place = torch.unique(table[used].to(torch.int64), return_inverse=True)
    renumbered = torch.zeros(table.shape, dtype=torch.int32)
    renumbered[used] = place.to(torch.int32)
    filled = (lengths.unsqueeze(1) - columns * size).clamp(0, size)[used]
    tokens = torch.zeros(len(blocks), dtype=torch.int64).scatter_reduce_(0, place, filled, "amax")
    first = torch.zeros(len(blocks), dtype=torch.int64)
    first[place] = (columns * size).expand(requests, -1)[used]
    offset, number = _counted(tokens), torch.arange(len(blocks)).repeat_interleave(tokens)
    return Reading(
        written=written,
        blocks=len(blocks),
        table=renumbered,
        block=blocks[number],
        offset=offset,
        position=first[number] + offset,
        slot=number * size + offset,
    )


def _counted(counts: Tensor) -> Tensor:
    """0, 1, ... up to each count, one after the other."""
    ends = counts.cumsum(0)
    return torch.arange(int(counts.sum())) - (ends - counts).repeat_interleave(counts)
