"""What paired results allow to say: an exact test, intervals, Holm's correction, and what could be found at all.

numpy and scipy are imported when they are first needed: they are large, and an extra.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

ALPHA = 0.05
"""Chance of a false alarm, over all arms together."""
POWER = 0.8
"""Chance to find a difference as large as the detectable one."""
DISCORDANCE = 0.2
"""Share of tasks on which two arms differ, as assumed before the run."""
DRAWS = 10_000
STEP = 0.0005
"""Of the search for the detectable difference."""


@dataclass(frozen=True, slots=True)
class Interval:
    low: float
    high: float


def p_value(differences: Sequence[int]) -> float:
    """Exact, two-sided: how often chance alone gives a sum so far from zero.

    One number a task: successes of one arm less those of the other. Under the null either sign of it is
    equally likely. With one run a task this is McNemar's exact test; with several, runs of the same
    task count as one observation.
    """
    import numpy as np

    weights = [abs(one) for one in differences if one]
    whole = sum(weights)
    chances = np.zeros(2 * whole + 1)
    chances[whole] = 1.0
    for weight in weights:
        moved = np.zeros_like(chances)
        moved[weight:] += chances[:-weight] / 2
        moved[:-weight] += chances[weight:] / 2
        chances = moved
    sums = np.abs(np.arange(-whole, whole + 1))
    return min(1.0, float(chances[sums >= abs(sum(differences))].sum()))


def holm(chances: Sequence[float]) -> tuple[float, ...]:
    """Each p value adjusted, so that those below a level are false with no more than that chance in all."""
    order = sorted(range(len(chances)), key=lambda number: chances[number])
    adjusted, highest = [0.0] * len(chances), 0.0
    for rank, number in enumerate(order):
        highest = max(highest, min(1.0, chances[number] * (len(chances) - rank)))
        adjusted[number] = highest
    return tuple(adjusted)


def interval(values: Sequence[float], seed: int, confidence: float = 0.95) -> Interval:
    """Of the mean, by drawing tasks again with replacement; one value a task. Percentiles."""
    import numpy as np

    if not values:
        return Interval(-1.0, 1.0)
    counted = Counter(values)
    chances = np.array(list(counted.values())) / len(values)
    many = np.random.default_rng(seed).multinomial(len(values), chances, size=DRAWS)
    means = many @ np.array(list(counted)) / len(values)
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, (tail, 1 - tail))
    return Interval(float(low), float(high))


def bounds(differences: Sequence[int], runs: int = 1, confidence: float = 0.95) -> Interval:
    """Limits of the mean difference that hold whatever the truth is, so wider than `interval`.

    From the exact limits of the shares of tasks won and lost: also where no task differs, and drawing
    again would claim to know that there is no difference at all. `runs`: of each arm on a task.
    """
    from scipy.stats import beta

    many = len(differences)
    tail = (1 - confidence) / 4  # two sides of two shares

    def limits(seen: int) -> tuple[float, float]:
        low = float(beta.ppf(tail, seen, many - seen + 1)) if seen else 0.0
        return low, float(beta.ppf(1 - tail, seen + 1, many - seen)) if seen < many else 1.0

    if not many:
        return Interval(-1.0, 1.0)
    won = limits(sum(one > 0 for one in differences))
    lost = limits(sum(one < 0 for one in differences))
    return Interval(won[0] / runs - lost[1], won[1] - lost[0] / runs)


def limits(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """Hoeffding's, of the mean of values from -1 to 1: wide, and right whatever was seen."""
    if not values:
        return Interval(-1.0, 1.0)
    mean = sum(values) / len(values)
    wide = math.sqrt(2 * math.log(2 / (1 - confidence)) / len(values))
    return Interval(max(-1.0, mean - wide), min(1.0, mean + wide))


def power(tasks: int, difference: float, discordance: float, alpha: float) -> float:
    """Exact chance that McNemar's exact test finds a difference (a share, above 0) at this level."""
    import numpy as np
    from scipy.stats import binom

    apart = max(discordance, difference)
    many = np.arange(tasks + 1)
    edge = binom.ppf(alpha / 2, many, 0.5)
    edge = np.where(binom.cdf(edge, many, 0.5) > alpha / 2, edge - 1, edge)  # rejected at or below
    won = (apart + difference) / (2 * apart)
    found = binom.cdf(edge, many, won) + binom.sf(many - edge - 1, many, won)
    return float((binom.pmf(many, tasks, apart) * found).sum())


def detectable(tasks: int, arms: int, discordance: float = DISCORDANCE) -> float | None:
    """The least difference, a share, that is found with `POWER` by the strictest of so many tests.

    Runs of a task with other seeds are not counted: they may all say the same. None: none can be.
    """
    if not tasks or not arms:
        return None
    low, high = 0, round(1 / STEP)
    if power(tasks, 1.0, discordance, ALPHA / arms) < POWER:
        return None
    while low < high:
        middle = (low + high) // 2
        if power(tasks, max(middle, 1) * STEP, discordance, ALPHA / arms) >= POWER:
            high = middle
        else:
            low = middle + 1
    return max(low, 1) * STEP
