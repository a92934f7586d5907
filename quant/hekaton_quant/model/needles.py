"""Needles in a haystack: does a model still find through a codec what it finds without one.

Random strings lie in held-out text and come again, in another order, at its end. The first tokens of
each say which one is meant; the rest can only be known by looking back.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from hekaton_quant.errors import Unsupported
from hekaton_quant.model.transformer import Cache, Transformer


@dataclass(frozen=True, slots=True)
class Needles:
    """What is hidden in a row."""

    number: int = 6
    """Needles in a row, spread evenly over it."""
    size: int = 12
    """Tokens of each."""
    cue: int = 3
    """Tokens of each that are given; those after them are asked for."""

    @property
    def tail(self) -> int:
        """Tokens at the end of a row in which the needles come again."""
        return self.number * self.size

    def asked(self, length: int) -> Tensor:
        """(length,) bool: which tokens of a row can only be known by looking back."""
        place = torch.arange(length) - (length - self.tail)
        return (place >= 0) & (place % self.size >= self.cue)


def needle_rows(text: Tensor, length: int, count: int, needles: Needles, seed: int) -> Tensor:
    """(count, length) ids: spans of a text with its needles inside and again at the end."""
    if length < 2 * needles.tail:
        least = 2 * needles.tail
        raise Unsupported([f"A row of {length} tokens has no room for its needles; {least} have."])
    if len(text) < length:
        raise Unsupported([f"The text has {len(text)} tokens; a row of {length} needs more."])
    random = torch.Generator().manual_seed(seed)
    stride = (length - needles.tail) // needles.number
    rows = []
    for _ in range(count):
        start = int(torch.randint(len(text) - length + 1, (), generator=random))
        row = text[start : start + length].clone()
        drawn = torch.randint(int(text.max()) + 1, (needles.number, needles.size), generator=random)
        for i, needle in enumerate(drawn):
            depth = int(torch.randint(stride - needles.size + 1, (), generator=random))
            row[i * stride + depth :][: needles.size] = needle
        order = torch.randperm(needles.number, generator=random)
        row[-needles.tail :] = drawn[order].flatten()
        rows.append(row)
    return torch.stack(rows)


@torch.no_grad()
def needles_found(model: Transformer, rows: Tensor, cache: Cache, needles: Needles) -> float:
    """Share of the asked tokens of rows (sequences, tokens) that the model finds most likely."""
    asked = needles.asked(rows.shape[1])
    right = [
        model(row[None, :-1], cache)[0].argmax(dim=-1)[asked[1:]] == row[asked] for row in rows
    ]
    return float(torch.cat(right).float().mean())
