"""Prices and amounts. Pure. USD per million tokens is the same number as micro-dollars per token."""

import math
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Price:
    """Micro-dollars per token, exact."""

    input: Fraction = Fraction(0)
    output: Fraction = Fraction(0)

    def cost(self, prompt: int, completion: int) -> int:
        """Micro-dollars, rounded up."""
        return math.ceil(self.input * prompt + self.output * completion)


@dataclass(frozen=True, slots=True)
class Amount:
    """Tokens and micro-dollars."""

    tokens: int
    micros: int
