"""A fast encoder for the trellis: a few survivors instead of all, and a bounded delay.

It keeps the `kept` cheapest paths and releases each shared bit `delay` coordinates after it was
drawn, so that its memory does not grow with the vector: the shape that a GPU kernel needs. The
stream has the same format; only the search is smaller.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from hekaton_quant.trellis import Path, Trellis


@dataclass(frozen=True, slots=True)
class Search:
    """How far a quick search looks."""

    kept: int = 16
    """Paths that survive each coordinate."""
    delay: int = 40
    """Coordinates after which a bit is final; at most 62, the bits of one integer."""


@dataclass(frozen=True, slots=True)
class _Paths:
    """Survivors, all (vectors, survivors): the newest shared bits and the cost so far."""

    history: Tensor
    cost: Tensor


def quick_path(trellis: Trellis, x: Tensor, search: Search) -> Path:
    """x: (vectors, coordinates) float32 -> a path of small squared error."""
    count = len(x)
    paths = _Paths(torch.zeros(count, 1, dtype=torch.int64), torch.zeros(count, 1))
    bits = torch.zeros(count, len(trellis.coded), dtype=torch.int64)
    for step, i in enumerate(trellis.coded):
        weight = trellis.weights[i] if trellis.weights else 1.0
        paths = _extended(paths, trellis.tables[trellis.bits[i]], x[:, i], weight, search.kept)
        if step >= search.delay:
            bits[:, step - search.delay] = _best(paths) >> search.delay & 1
            paths = _agreeing(paths, bits[:, step - search.delay], search.delay)
    rest = min(search.delay, len(trellis.coded))
    last = _best(paths)
    for back in range(rest):
        bits[:, len(trellis.coded) - 1 - back] = last >> back & 1
    return _along(trellis, x, bits)


def _extended(paths: _Paths, entries: Tensor, x: Tensor, weight: float, kept: int) -> _Paths:
    """Go on from every survivor with both bits and keep the cheapest."""
    history = (paths.history.unsqueeze(-1) << 1 | torch.arange(2)).flatten(1)
    windows = history & (len(entries) - 1)
    errors = (entries[windows] - x.view(-1, 1, 1)).square().amin(dim=-1) * weight
    cost = paths.cost.repeat_interleave(2, dim=1) + errors
    best, place = cost.topk(min(kept, cost.shape[1]), dim=1, largest=False, sorted=False)
    return _Paths(history.gather(1, place), best)


def _best(paths: _Paths) -> Tensor:
    """The history of the cheapest survivor of each vector."""
    return paths.history.gather(1, paths.cost.argmin(dim=1, keepdim=True))[:, 0]


def _agreeing(paths: _Paths, bit: Tensor, delay: int) -> _Paths:
    """Rule out the survivors whose bit at the delay is not the released one."""
    other = (paths.history >> delay & 1) != bit.unsqueeze(1)
    return _Paths(paths.history, paths.cost.masked_fill(other, torch.inf))


def _along(trellis: Trellis, x: Tensor, bits: Tensor) -> Path:
    """The path of given shared bits (vectors, coded), with the nearest entry at each window."""
    windows = torch.zeros(x.shape, dtype=torch.int64)
    own = torch.zeros_like(windows)
    register = torch.zeros(len(x), dtype=torch.int64)
    for place, i in enumerate(trellis.coded):
        register = (register << 1 | bits[:, place]) & ((1 << trellis.memory) - 1)
        windows[:, i] = register
        entries = trellis.tables[trellis.bits[i]][register]
        own[:, i] = (entries - x[:, i, None]).abs().argmin(dim=1)
    return Path(windows, own)
