"""Exact intervals of a rate, after Clopper and Pearson.

scipy is imported when the first interval is asked for: it is large, and an extra.
"""

from dataclasses import dataclass
from importlib.util import find_spec

from hekaton_runtime.errors import BadInput


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of successes and the 95 % interval of what lies behind it, each 0 to 1."""

    share: float
    low: float
    high: float


def why_absent() -> list[str]:
    """Said before a long run, and not at its end."""
    if find_spec("scipy") is None:
        return ["scipy is not installed. `pip install 'hekaton[bench]'` brings it."]
    return []


def rate(successes: int, tries: int, confidence: float = 0.95) -> Rate:
    """Raises `BadInput` without scipy. No tries: everything is possible."""
    if not tries:
        return Rate(0.0, 0.0, 1.0)
    if reasons := why_absent():
        raise BadInput(reasons)
    from scipy.stats import beta

    tail = (1 - confidence) / 2
    low = float(beta.ppf(tail, successes, tries - successes + 1)) if successes else 0.0
    missed = tries - successes
    high = float(beta.ppf(1 - tail, successes + 1, missed)) if missed else 1.0
    return Rate(successes / tries, low, high)
