"""The search for the best path through a trellis, over numpy arrays.

In numpy because the loop over a vector's coordinates is small steps: for a few vectors, as a server
writes at each token, a call costs a fifth of torch's. The arithmetic is float32 in both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy
from numpy.typing import NDArray

Floats = NDArray[numpy.float32]
Places = NDArray[numpy.int64]

_WIDE = 128
"""Coordinates times vectors whose errors are computed at once: fewer calls, still in the cache."""


@dataclass(frozen=True, slots=True)
class Entries:
    """The table of one rate, a row for each private value: slopes -2 c and squares c^2.

    Windows stand in the order of their reversed bits: what a window comes from then lies side by
    side, and where it goes lies in one piece.
    """

    slopes: Floats
    squares: Floats


def reversed_bits(memory: int) -> Places:
    """(2^memory,) each number with its bits in reverse; the permutation is its own inverse."""
    order = numpy.zeros(1, numpy.int64)
    for _ in range(memory):
        order = numpy.concatenate((2 * order, 2 * order + 1))
    return order


def table_entries(table: Floats) -> Entries:
    """table: (windows, private values)."""
    order = reversed_bits(max(0, len(table).bit_length() - 1))
    rows = numpy.ascontiguousarray(table[order[: len(table)]].T)
    return Entries(-2 * rows, rows * rows)


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring coded coordinates of one rate."""

    start: int
    stop: int
    rate: int


def table_runs(rates: Sequence[int]) -> tuple[Run, ...]:
    """Split a schedule of bits where the rate changes."""
    found, at = [], 0
    for rate, group in groupby(rates):
        size = len(list(group))
        found.append(Run(at, at + size, rate))
        at += size
    return tuple(found)


def best_windows(
    x: Floats, schedule: Sequence[Run], tables: Sequence[Entries], weights: Floats | None
) -> Places:
    """x: (coordinates, n) -> (coordinates, n) the windows along the path of least squared error.

    tables: by rate; weights: (coordinates,) what a squared error in each costs, or None.
    """
    size = tables[schedule[0].rate].squares.shape[1] if schedule else 1
    costs = window_errors(x, schedule, tables, size)
    if weights is not None:
        costs *= weights[:, None, None]
    half, count = size // 2, x.shape[1]
    best = numpy.empty((count, half), numpy.float32)
    past = numpy.full((count, size), numpy.inf, numpy.float32)
    past[:, 0] = 0.0  # the register starts empty
    for now in costs:
        numpy.minimum(past[:, 0::2], past[:, 1::2], out=best)
        pairs = now.reshape(count, 2, half)
        pairs += best[:, None, :]
        past = now
    return reversed_bits(size.bit_length() - 1)[traced_back(costs)]


def window_errors(
    x: Floats, schedule: Sequence[Run], tables: Sequence[Entries], size: int
) -> Floats:
    """(coordinates, n, size): the least c^2 - 2 x c of a window's entries c.

    The x^2 of the squared error is the same for every path and left out.
    """
    count = x.shape[1]
    out = numpy.empty((len(x), count, size), numpy.float32)
    step = max(1, _WIDE // max(1, count))
    trial = numpy.empty((step, count, size), numpy.float32)
    for run in schedule:
        table = tables[run.rate]
        for at in range(run.start, run.stop, step):
            part = x[at : min(at + step, run.stop), :, None]
            first = out[at : at + len(part)]
            for own, (slope, square) in enumerate(zip(table.slopes, table.squares, strict=True)):
                target = trial[: len(part)] if own else first
                numpy.multiply(slope, part, out=target)
                target += square
                if own:
                    numpy.minimum(first, target, out=first)
    return out


def traced_back(costs: Floats) -> Places:
    """costs: (coordinates, n, size) summed along the best paths -> the places along the best."""
    steps, count, size = costs.shape
    half, row = size // 2, numpy.arange(count)
    places = numpy.empty((steps, count), numpy.int64)
    if steps:
        places[-1] = costs[-1].argmin(axis=1)
    for i in range(steps - 1, 0, -1):
        low = 2 * (places[i] % half)
        places[i - 1] = low + (costs[i - 1, row, low + 1] < costs[i - 1, row, low])
    return places
