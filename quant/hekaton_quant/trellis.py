"""Trellis-coded quantisation of unit-variance coordinates: one bit of each couples neighbours.

A coordinate of r bits gives one bit to a shift register that runs over the vector and keeps r - 1
for itself; its value is a table entry chosen by the newest `memory` shared bits and its own ones.
So a decoder reads any coordinate by itself, while the encoder picks the whole path at once
(Viterbi), which is where the gain over a scalar codebook comes from. The register starts at zero;
tables are trained with that start, so it costs nothing extra.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from hekaton_quant.errors import BadTensor

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
    def _terms(self) -> tuple[tuple[tuple[Tensor, Tensor], ...], ...]:
        """For each rate and private value c of its table: the columns -2 c and c^2."""
        return tuple(
            tuple(((-2 * c).unsqueeze(1), c.square().unsqueeze(1)) for c in table.unbind(1))
            for table in self.tables
        )

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

    def stream(self, path: Path) -> Tensor:
        """Write a path as bits: (vectors, total) uint8."""
        columns = [path.windows[:, i] & 1 for i in self.coded]
        for i in self.coded:
            columns += [
                (path.own[:, i] >> shift) & 1 for shift in reversed(range(self.bits[i] - 1))
            ]
        empty = torch.empty(len(path.own), 0, dtype=torch.uint8)
        return torch.stack(columns, dim=1).to(torch.uint8) if columns else empty

    def path(self, stream: Tensor) -> Path:
        """Read (vectors, total) uint8 bits as a path."""
        wide = stream.to(torch.int64)
        count = len(self.coded)
        shared = torch.nn.functional.pad(wide[:, :count], (self.memory - 1, 0))
        windows = wide.new_zeros(len(stream), len(self.bits))
        own = torch.zeros_like(windows)
        weights = 1 << torch.arange(self.memory - 1, -1, -1)
        at = count
        for place, i in enumerate(self.coded):
            windows[:, i] = (shared[:, place : place + self.memory] * weights).sum(dim=1)
            for _ in range(self.bits[i] - 1):
                own[:, i] = own[:, i] * 2 + wide[:, at]
                at += 1
        return Path(windows, own)

    def values(self, path: Path) -> Tensor:
        """(vectors, coordinates) float32: the table entries of a path."""
        values = torch.zeros(path.own.shape)
        for i in self.coded:
            values[:, i] = self.tables[self.bits[i]][path.windows[:, i], path.own[:, i]]
        return values

    def best_path(self, x: Tensor) -> Path:
        """x: (vectors, coordinates) float32 -> the path of least squared error, by Viterbi."""
        # One buffer for all passes: fresh pages would cost more than the arithmetic.
        size = 1 << self.memory
        costs = torch.empty(len(self.coded), size, min(BATCH, len(x)))
        windows = torch.zeros(len(x), len(self.bits), dtype=torch.int64)
        for start in range(0, len(x), BATCH):
            part = x[start : start + BATCH, self.coded].T.contiguous()
            found = self._viterbi(part, costs[..., : part.shape[1]])
            windows[start : start + BATCH, self.coded] = found.T
        own = torch.zeros_like(windows)
        for i in self.coded:
            entries = self.tables[self.bits[i]][windows[:, i]]
            own[:, i] = (entries - x[:, i, None]).abs().argmin(dim=1)
        return Path(windows, own)

    def _viterbi(self, x: Tensor, costs: Tensor) -> Tensor:
        """x: (coded, n), costs: (coded, windows, n) scratch -> (coded, n) int64 windows."""
        size, count = costs.shape[1:]
        past = torch.full((size, count), torch.inf)
        past[0] = 0.0
        trial = torch.empty(size, count)
        for now, value, i in zip(costs, x, self.coded, strict=True):
            _least_error(self._terms[self.bits[i]], value, now, trial)
            if self.weights:
                now.mul_(self.weights[i])
            best = torch.minimum(past[: size // 2], past[size // 2 :])
            now.view(size // 2, 2, count).add_(best.unsqueeze(1))
            past = now
        return _traceback(costs)


def _least_error(
    terms: tuple[tuple[Tensor, Tensor], ...], x: Tensor, out: Tensor, trial: Tensor
) -> None:
    """out, trial: (windows, n); out becomes the least c^2 - 2 x c over a window's entries c.

    The x^2 of the squared error is the same for every path and left out.
    """
    for own, (slope, square) in enumerate(terms):
        target = trial if own else out
        torch.mul(slope, x, out=target)
        target.add_(square)
        if own:
            torch.minimum(out, trial, out=out)


def _traceback(costs: Tensor) -> Tensor:
    """costs: (coded, windows, n) -> (coded, n) int64: the windows along the best path."""
    steps, size, count = costs.shape
    windows = torch.empty(steps, count, dtype=torch.int64)
    if steps:
        windows[-1] = costs[-1].argmin(dim=0)
    for i in range(steps - 1, 0, -1):
        choices = (windows[i] >> 1) + torch.tensor([[0], [size // 2]])
        pick = costs[i - 1].gather(0, choices).argmin(dim=0, keepdim=True)
        windows[i - 1] = choices.gather(0, pick)[0]
    return windows
