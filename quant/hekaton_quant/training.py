"""Train the trellis tables that `data/tables.npz` holds: generalised Lloyd on Gaussian vectors.

    python -m hekaton_quant.training

Deterministic for a seed and a torch build; the committed file is the one that presets mean.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy
import torch
from torch import Tensor

from hekaton_quant.tables import MEMORY, TABLES, table_plans
from hekaton_quant.trellis import Trellis


def first_table(rate: int, memory: int, random: torch.Generator) -> Tensor:
    """(2^memory, 2^(rate - 1)) float32: a window and its sibling make a grid with its own offset."""
    pasts = 1 << (memory - 1)
    offsets = (torch.randperm(pasts, generator=random) + 0.5) / pasts
    levels = 1 << rate
    # Neighbouring levels alternate between the two windows that one register content leads to.
    steps = torch.arange(levels).view(-1, 2).T
    quantiles = (steps + offsets.view(-1, 1, 1)) / levels
    values: Tensor = torch.special.ndtri(quantiles.double()) * 0.97
    return values.float().reshape(2 * pasts, levels // 2)


def first_tables(rates: set[int], memory: int, random: torch.Generator) -> tuple[Tensor, ...]:
    """Untrained tables for every rate up to the highest; those not in `rates` are empty."""
    empty = torch.empty(0, 0)
    every = range(max(rates) + 1)
    return tuple(first_table(r, memory, random) if r and r in rates else empty for r in every)


def improved(trellis: Trellis, x: Tensor, inertia: float = 1.0) -> tuple[Trellis, float]:
    """One Lloyd step: encode x, move each used entry to its mean; also the error before.

    inertia: samples per entry that the old value counts for.
    """
    path = trellis.best_path(x)
    error = (trellis.values(path) - x).square().mean().item()
    moved = list(trellis.tables)
    for rate in sorted(set(trellis.bits) - {0}):
        columns = [i for i, bits in enumerate(trellis.bits) if bits == rate]
        old = trellis.tables[rate]
        flat = (path.windows[:, columns] * old.shape[1] + path.own[:, columns]).flatten()
        counts = torch.zeros(old.numel()).index_add_(0, flat, torch.ones(flat.shape))
        sums = torch.zeros(old.numel()).index_add_(0, flat, x[:, columns].flatten())
        moved[rate] = ((sums + inertia * old.flatten()) / (counts + inertia)).view_as(old)
    return Trellis(trellis.bits, tuple(moved)), error


def trained(
    bits: tuple[int, ...], memory: int, rounds: int, vectors: int, say: Callable[[str], None]
) -> Trellis:
    """Train the tables of one schedule of bits."""
    random = torch.Generator().manual_seed(20260101 + sum(bits))
    trellis = Trellis(bits, first_tables(set(bits), memory, random))
    entries = sum(table.numel() for table in trellis.tables)
    for turn in range(rounds):
        x = torch.randn(vectors, len(bits), generator=random)
        # Free at first, then ever slower, so that the noise of single rounds averages out.
        rest = max(0, turn - rounds // 2) * x.numel() / entries
        trellis, error = improved(trellis, x, 1.0 + rest)
        if turn % 5 == 4 or turn == rounds - 1:
            say(f"{sum(bits) / len(bits):.4f} bits, round {turn + 1}: error {error:.5f}")
    return trellis


def main() -> None:
    """Train every table and write the package's data file."""
    parser = argparse.ArgumentParser(description="Train the trellis tables.")
    parser.add_argument("--out", type=Path, default=TABLES)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--vectors", type=int, default=2048)
    parsed = parser.parse_args()
    arrays = {}
    for name, bits in table_plans():
        trellis = trained(
            bits, MEMORY, parsed.rounds, parsed.vectors, lambda line: print(line, flush=True)
        )
        for rate in sorted(set(bits)):
            arrays[f"{name}_{rate}"] = trellis.tables[rate].numpy().astype(numpy.float16)
    parsed.out.parent.mkdir(parents=True, exist_ok=True)
    with parsed.out.open("wb") as file:
        numpy.savez_compressed(file, allow_pickle=False, **arrays)


if __name__ == "__main__":
    main()
