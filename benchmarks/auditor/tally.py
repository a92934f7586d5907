"""Detections counted: recall, false alarms and precision with Wilson's intervals. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import sqrt

Z = 1.959964
"""Of a 95 % interval."""


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` of `tries`, and the interval of what lies behind it, each 0 to 1."""

    hits: int
    tries: int
    low: float
    high: float

    def __str__(self) -> str:
        if not self.tries:
            return "-"
        part = self.hits / self.tries
        return f"{part:.2f} ({self.low:.2f}-{self.high:.2f}) {self.hits}/{self.tries}"


@dataclass(frozen=True, slots=True)
class Seen:
    """One program as the gate saw it, and what is true of it."""

    program: str
    defect: bool
    accepted: bool
    """The weakened acceptance passed, so tools and auditor were asked."""
    tools: bool = False
    """A tool has a finding of at least medium severity."""
    auditor: bool = False
    """The auditor's own grades are below the pass score."""
    gate: bool = False
    """Grades bounded by evidence are below the pass score."""
    silent: int = 0
    """Tools that did not look: they count as no alarm, so they must be told."""


@dataclass(frozen=True, slots=True)
class Line:
    """How one part of the gate did."""

    name: str
    recall: Share
    false_alarms: Share
    precision: Share


def wilson(hits: int, tries: int) -> Share:
    """No tries: everything is possible."""
    if not tries:
        return Share(0, 0, 0.0, 1.0)
    part, square = hits / tries, Z * Z / tries
    middle = (part + square / 2) / (1 + square)
    half = Z * sqrt(part * (1 - part) / tries + square / (4 * tries)) / (1 + square)
    # At the ends the interval touches 0 and 1 exactly; rounding must not move it off them.
    low = 0.0 if hits == 0 else max(0.0, middle - half)
    high = 1.0 if hits == tries else min(1.0, middle + half)
    return Share(hits, tries, low, high)


def line(name: str, seen: Iterable[Seen], flagged: Callable[[Seen], bool]) -> Line:
    every = list(seen)
    defects = [one for one in every if one.defect]
    sound = [one for one in every if not one.defect]
    hits, alarms = sum(map(flagged, defects)), sum(map(flagged, sound))
    return Line(
        name, wilson(hits, len(defects)), wilson(alarms, len(sound)), wilson(hits, hits + alarms)
    )


def lines(seen: tuple[Seen, ...], auditor: str) -> tuple[Line, ...]:
    """The executable part alone, then with an auditor, on all and on what passed acceptance."""
    past = [one for one in seen if one.accepted]
    return (
        line("acceptance (weakened)", seen, lambda one: not one.accepted),
        line("tools, on what passed acceptance", past, lambda one: one.tools),
        line("executable part: acceptance or tools", seen, lambda one: not one.accepted or one.tools),
        line(f"{auditor}, on what passed acceptance", past, lambda one: one.auditor),
        line("gate: evidence bounds the auditor", past, lambda one: one.gate),
        line("whole: acceptance, then gate", seen, lambda one: not one.accepted or one.gate),
    )  # fmt: skip
