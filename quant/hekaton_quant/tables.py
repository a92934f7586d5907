"""The trained trellis tables, read from the package's data file.

Two kinds: one set per preset rate, trained on that preset's mix of two bit counts, and one set of
constant rates for calibrated codecs, whose coordinates differ in bits.
"""

import functools
from collections.abc import Iterator
from pathlib import Path

import numpy
import torch
from torch import Tensor

from hekaton_quant.trellis import spread

MEMORY = 10
"""Shared bits that a value depends on; a table of 3 bits then has 4096 entries, 8 KiB in fp16."""
MOST_BITS = 7
"""Highest rate of a single coordinate in a calibrated codec."""
TABLES = Path(__file__).with_name("data") / "tables.npz"
SCALE_BITS = 8
"""Bits of a vector's scale inside its slot."""


def table_plans() -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield the name and the training schedule of every table set."""
    for eighths in (20, 24, 32):
        yield f"even{eighths}", spread(16 * eighths - SCALE_BITS, 128)
    for rate in range(1, MOST_BITS + 1):
        yield "constant", (rate,) * 128


@functools.cache
def _stored() -> tuple[tuple[str, Tensor], ...]:
    with numpy.load(TABLES) as arrays:
        return tuple((name, torch.from_numpy(arrays[name]).float()) for name in arrays.files)


def _rates(prefix: str) -> tuple[Tensor, ...]:
    """Index by rate the stored tables whose name is the prefix and a rate; the others are empty."""
    found = {name.removeprefix(prefix): table for name, table in _stored()}
    return tuple(found.get(str(rate), torch.empty(0, 0)) for rate in range(MOST_BITS + 1))


@functools.cache
def even_tables(eighths: int) -> tuple[Tensor, ...]:
    """The tables of a preset side with `eighths` bits per eight coordinates, by rate."""
    return _rates(f"even{eighths}_")


@functools.cache
def mixed_tables() -> tuple[Tensor, ...]:
    """The tables of calibrated codecs, by rate."""
    return _rates("constant_")
