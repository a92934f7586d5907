"""Trellis-coded quantisation of unit-variance coordinates: one bit of each couples neighbours.

A coordinate of r bits gives one bit to a shift register that runs over the vector and keeps r - 1
for itself; its value is a table entry chosen by the newest `memory` shared bits and its own ones.
So a decoder reads any coordinate by itself, while the encoder picks the whole path at once
(Viterbi), which is where the gain over a scalar codebook comes from. The register starts at zero;
tables are trained with that start, so it costs nothing extra.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy
import torch
from torch import Tensor

from hekaton_quant.errors import BadTensor
from hekaton_quant.viterbi import Entries, Floats, Run, best_windows, table_entries, table_runs

BATCH = 128
"""Vectors per Viterbi pass: enough to hide the cost of a call, few enough to stay in the cache."""


def spread(total: int, coordinates: int) -> tuple[int, ...]:
    """Share `total` bits over the coordinates as evenly as integers allow."""
    ends = [total * (i + 1) // coordinates for i in range(coordinates)]
    return tuple(b - a for a, b in zip([0, *ends], ends, strict=False))


@dataclass(frozen=True, slots=True)
class Path:
    """Table entries along a vector: windows, own: (vectors, coordinates) int64.

    windows holds the newest shared bits at each coordinate, own the coordinate's private bits.
    """

    windows: Tensor
    own: Tensor


@dataclass(frozen=True)
class Trellis:
    """A trellis code for vectors of `len(bits)` coordinates, of which those of no bits are zero.

    tables[r]: (2^memory, 2^(r - 1)) float32 for r of at least 1; tables[0] is not read.
    """

    bits: tuple[int, ...]
    tables: tuple[Tensor, ...]
    weights: tuple[float, ...] = ()
    """What a squared error in each coordinate costs; empty for one everywhere. Without it the
    encoder would spend the finely coded coordinates on the coarse ones beside them."""

    @cached_property
    def memory(self) -> int:
        """Shared bits that a value depends on."""
        return len(self.tables[max(self.bits, default=1) or 1]).bit_length() - 1

    @cached_property
    def entries(self) -> tuple[Entries, ...]:
        """The tables as the search reads them, by rate."""
        return tuple(table_entries(table.detach().float().numpy()) for table in self.tables)

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """Where the rate changes along the coded coordinates."""
        return table_runs([self.bits[i] for i in self.coded])

    @cached_property
    def _costs(self) -> Floats | None:
        if not self.weights:
            return None
        return numpy.array([self.weights[i] for i in self.coded], numpy.float32)

    @cached_property
    def coded(self) -> tuple[int, ...]:
        """The coordinates that have bits."""
        return tuple(i for i, rate in enumerate(self.bits) if rate)

    @cached_property
    def total(self) -> int:
        """Bits of one encoded vector."""
        return sum(self.bits)

    def encode(self, x: Tensor) -> Tensor:
        """x: (vectors, coordinates) float32 -> (vectors, total) uint8, one bit per entry.

        The shared bits of all coded coordinates come first, then each one's own bits.
        """
        if x.dim() != 2 or x.shape[1] != len(self.bits):
            wanted = len(self.bits)
            raise BadTensor(f"x has shape {tuple(x.shape)}; the trellis needs (n, {wanted}).")
        return self.stream(self.best_path(x.to(torch.float32)))

    def decode(self, stream: Tensor) -> Tensor:
        """stream: (vectors, total) uint8 -> (vectors, coordinates) float32."""
        return self.values(self.path(stream))

    @cached_property
    def _private(self) -> tuple[Tensor, Tensor]:
        """The coordinate of each private bit of the stream, and its place within that one's."""
        pairs = [(i, k) for i in self.coded for k in reversed(range(self.bits[i] - 1))]
        columns, shifts = zip(*pairs, strict=True) if pairs else ((), ())
        return torch.tensor(columns, dtype=torch.int64), torch.tensor(shifts, dtype=torch.int64)

    @cached_property
    def _columns(self) -> tuple[tuple[int, Tensor], ...]:
        """The coordinates of each rate that occurs."""
        rates = sorted(set(self.bits) - {0})
        every = torch.tensor(self.bits)
        return tuple((rate, (every == rate).nonzero()[:, 0]) for rate in rates)

    def stream(self, path: Path) -> Tensor:
        """Write a path as bits: (vectors, total) uint8."""
        columns, shifts = self._private
        shared = path.windows[:, list(self.coded)] & 1
        private = path.own[:, columns] >> shifts & 1
        return torch.cat((shared, private), dim=1).to(torch.uint8)

    def path(self, stream: Tensor) -> Path:
        """Read (vectors, total) uint8 bits as a path."""
        wide = stream.to(torch.int64)
        count = len(self.coded)
        shared = torch.nn.functional.pad(wide[:, :count], (self.memory - 1, 0))
        newest = wide.new_zeros(len(stream), count)
        for place in range(self.memory):
            newest = newest << 1 | shared[:, place : place + count]
        windows = wide.new_zeros(len(stream), len(self.bits))
        windows[:, list(self.coded)] = newest
        columns, shifts = self._private
        own = torch.zeros_like(windows).index_add_(1, columns, wide[:, count:] << shifts)
        return Path(windows, own)

    def values(self, path: Path) -> Tensor:
        """(vectors, coordinates) float32: the table entries of a path."""
        values = torch.zeros(path.own.shape, dtype=torch.float32)
        for rate, columns in self._columns:
            table = self.tables[rate]
            places = path.windows[:, columns] * table.shape[1] + path.own[:, columns]
            values[:, columns] = table.flatten()[places]
        return values

    def best_path(self, x: Tensor) -> Path:
        """x: (vectors, coordinates) float32 -> the path of least squared error, by Viterbi."""
        coded = list(self.coded)
        windows = torch.zeros(len(x), len(self.bits), dtype=torch.int64)
        for start in range(0, len(x), BATCH):
            part = x[start : start + BATCH, coded].detach().T.contiguous().numpy()
            found = best_windows(part, self.runs, self.entries, self._costs)
            windows[start : start + BATCH, coded] = torch.from_numpy(found.T)
        own = torch.zeros_like(windows)
        for rate, columns in self._columns:
            choices = self.tables[rate][windows[:, columns]]
            own[:, columns] = (choices - x[:, columns].unsqueeze(2)).abs().argmin(dim=2)
        return Path(windows, own)
