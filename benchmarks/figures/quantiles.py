"""Quantiles and ratios of measured times. Pure: seconds in, numbers out."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spread:
    """How a set of measured seconds is spread."""

    many: int
    mean: float
    p50: float
    p90: float
    p99: float
    most: float


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest measured value that at least `share` of all do not exceed (nearest rank)."""
    if not values:
        raise ValueError("No quantile of nothing; measure at least once.")
    if not 0 <= share <= 1:
        raise ValueError(f"share is {share!r}; give 0 to 1.")
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def spread(seconds: Sequence[float]) -> Spread:
    return Spread(
        len(seconds),
        sum(seconds) / len(seconds),
        quantile(seconds, 0.5),
        quantile(seconds, 0.9),
        quantile(seconds, 0.99),
        max(seconds),
    )


def ms(seconds: float) -> str:
    """Milliseconds with three digits that matter."""
    value = seconds * 1000
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def micros(seconds: float) -> str:
    return f"{seconds * 1e6:,.0f}"


def ratio(ours: float, theirs: float) -> str:
    return f"{ours / theirs:.2f}" if theirs else "-"
