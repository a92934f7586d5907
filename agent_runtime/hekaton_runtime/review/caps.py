"""How evidence bounds a review: it can only lower a grade, never raise one. Pure.

For each finding of a tool a row of `BOUNDS` says how high a part of the rubric may still be graded; the
lowest bound counts. A tool that did not run bounds nothing, and is named as missing instead.
"""

from dataclasses import dataclass
from typing import Literal

import msgspec

from hekaton_runtime.answers import Review
from hekaton_runtime.brief import Severity, ToolName
from hekaton_runtime.results import Examined, ToolReport

BEST = 10
Part = Literal["correctness", "style", "security", "test_coverage"]
PARTS: tuple[Part, ...] = ("correctness", "style", "security", "test_coverage")


@dataclass(frozen=True, slots=True)
class Caps:
    """The highest grade that each part may have, 0 to 10."""

    correctness: int = BEST
    style: int = BEST
    security: int = BEST
    test_coverage: int = BEST

    def lower(self, other: "Caps") -> "Caps":
        return Caps(
            min(self.correctness, other.correctness),
            min(self.style, other.style),
            min(self.security, other.security),
            min(self.test_coverage, other.test_coverage),
        )


FREE = Caps()
FAILED = Caps(correctness=0, test_coverage=0)
"""Acceptance fails: it does not do what was asked for, whatever anybody thinks of it."""
BOUNDS: dict[tuple[ToolName, Severity], Caps] = {
    ("ruff", "critical"): Caps(correctness=0, style=2),
    ("ruff", "high"): Caps(correctness=4, style=6),
    ("ruff", "medium"): Caps(correctness=8, style=7),
    ("ruff", "low"): Caps(style=9),
    ("mypy", "critical"): Caps(correctness=0, style=2),
    ("mypy", "high"): Caps(correctness=5, style=7),
    ("mypy", "medium"): Caps(correctness=7, style=8),
    ("mypy", "low"): Caps(style=9),
    ("bandit", "critical"): Caps(security=0),
    ("bandit", "high"): Caps(security=2),
    ("bandit", "medium"): Caps(security=5),
    ("bandit", "low"): Caps(security=8),
}
MANY = 5
"""Findings of ruff that cost style one more grade."""
LEAST_STYLE = 3


def caps(examined: Examined | None, *, accepted: bool = True) -> Caps:
    """The lowest bound that anything gives for each part."""
    found = FREE if accepted else FAILED
    for report in examined.reports if examined else ():
        found = found.lower(bounds_of(report))
    return found


def bounds_of(report: ToolReport) -> Caps:
    """What one tool's report alone allows."""
    found = _counted(report)
    for one in report.findings:
        found = found.lower(BOUNDS.get((report.tool, one.severity), FREE))
    return found


def _counted(report: ToolReport) -> Caps:
    if report.tool == "ruff":
        many = len(report.findings) + report.more
        return Caps(style=max(LEAST_STYLE, BEST - many // MANY))
    if report.tool == "coverage" and report.state == "ran" and report.lines:
        return Caps(test_coverage=-(-BEST * report.covered // report.lines))
    return FREE


def bound_by(examined: Examined | None, part: Part) -> tuple[ToolName, ...]:
    """The tools whose reports hold a part down to its bound; none where nothing does."""
    reports = examined.reports if examined else ()
    lowest = min((getattr(bounds_of(one), part) for one in reports), default=BEST)
    if lowest == BEST:
        return ()
    return tuple(one.tool for one in reports if getattr(bounds_of(one), part) == lowest)


def capped(review: Review, bounds: Caps) -> Review:
    """The review with no grade above its bound."""
    return msgspec.structs.replace(
        review,
        correctness=min(review.correctness, bounds.correctness),
        style=min(review.style, bounds.style),
        security=min(review.security, bounds.security),
        test_coverage=min(review.test_coverage, bounds.test_coverage),
    )
