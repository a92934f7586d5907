"""Budgets of tasks: weights 0.8, 1.0 and 1.5 by complexity, normalised to what there is. Pure, exact.

The weights redistribute and never add: the shares of a sum are whole numbers that make up the sum.
"""

from collections.abc import Sequence

from hekaton_runtime.answers import Complexity

LEAST, USUAL, MOST = 8, 10, 15  # tenths
WEIGHTS: tuple[tuple[Complexity, int], ...] = (("LOW", LEAST), ("MEDIUM", USUAL), ("HIGH", MOST))


def weight(complexity: Complexity) -> int:
    """In tenths."""
    return dict(WEIGHTS)[complexity]


def shares(total: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Divide `total` by weight into whole numbers that sum to it; remainders go to the largest first."""
    whole = sum(weights)
    if not whole:
        return tuple(0 for _ in weights)
    parts = [total * one // whole for one in weights]
    by_rest = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    for index in by_rest[: total - sum(parts)]:
        parts[index] += 1
    return tuple(parts)
