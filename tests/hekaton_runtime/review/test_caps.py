"""Evidence bounds a review from above, whatever the model says and whatever the evidence is."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hekaton_runtime.answers import Review
from hekaton_runtime.brief import Finding, Severity, ToolName
from hekaton_runtime.results import Examined, ToolReport, ToolState
from hekaton_runtime.review.caps import BEST, PARTS, bound_by, bounds_of, capped, caps

GRADE = st.integers(0, 10)
REVIEWS = st.builds(
    Review, correctness=GRADE, style=GRADE, security=GRADE, test_coverage=GRADE, summary=st.just("s")
)  # fmt: skip
SEVERITY: st.SearchStrategy[Severity] = st.sampled_from(("low", "medium", "high", "critical"))
FINDINGS = st.lists(st.builds(Finding, text=st.just("t"), severity=SEVERITY), max_size=6).map(tuple)
TOOLS: st.SearchStrategy[ToolName] = st.sampled_from(("ruff", "mypy", "bandit", "coverage"))
STATES: st.SearchStrategy[ToolState] = st.sampled_from(("ran", "absent", "failed", "unsuited"))
COUNTS = st.tuples(st.integers(0, 99), st.integers(0, 99))


@st.composite
def reports(draw: st.DrawFn) -> ToolReport:
    covered, missed = draw(COUNTS)
    return ToolReport(
        tool=draw(TOOLS), state=draw(STATES),
        findings=draw(FINDINGS), more=draw(st.integers(0, 90)), lines=covered + missed, covered=covered,
    )  # fmt: skip


EXAMINED = st.lists(reports(), max_size=4).map(lambda found: Examined(reports=tuple(found)))


def examined(tool: ToolName, severity: Severity, many: int = 1) -> Examined:
    found = (Finding(text="t", severity=severity),) * many
    return Examined(reports=(ToolReport(tool=tool, state="ran", findings=found),))


def best() -> Review:
    return Review(correctness=10, style=10, security=10, test_coverage=10, summary="perfect")


@given(review=REVIEWS, seen=EXAMINED, accepted=st.booleans())
def test_no_grade_is_ever_raised_or_above_its_bound(
    review: Review, seen: Examined, accepted: bool
) -> None:
    bounds = caps(seen, accepted=accepted)
    held = capped(review, bounds)
    for part in PARTS:
        assert getattr(held, part) <= min(getattr(review, part), getattr(bounds, part))
        assert 0 <= getattr(bounds, part) <= BEST


@given(seen=EXAMINED, more=reports())
def test_further_evidence_never_lifts_a_bound(seen: Examined, more: ToolReport) -> None:
    before, after = caps(seen), caps(Examined(reports=(*seen.reports, more)))
    assert all(getattr(after, part) <= getattr(before, part) for part in PARTS)


@given(review=REVIEWS, better=REVIEWS, seen=EXAMINED)
def test_a_better_opinion_never_leads_to_a_worse_grade(
    review: Review, better: Review, seen: Examined
) -> None:
    bounds = caps(seen)
    low, high = capped(review, bounds), capped(better, bounds)
    for part in PARTS:
        if getattr(review, part) <= getattr(better, part):
            assert getattr(low, part) <= getattr(high, part)


@given(seen=EXAMINED)
def test_whoever_is_blamed_for_a_bound_gave_it(seen: Examined) -> None:
    bounds = caps(seen)
    for part in PARTS:
        blamed = bound_by(seen, part)
        assert bool(blamed) == (getattr(bounds, part) < BEST)
        given_by = [one.tool for one in seen.reports if getattr(bounds_of(one), part) < BEST]
        assert set(blamed) <= set(given_by)


@given(review=REVIEWS, seen=EXAMINED)
def test_what_fails_acceptance_is_never_correct(review: Review, seen: Examined) -> None:
    assert capped(review, caps(seen, accepted=False)).correctness == 0


@pytest.mark.parametrize(
    ("tool", "severity", "part", "most"),
    [
        ("bandit", "high", "security", 2),
        ("bandit", "medium", "security", 5),
        ("ruff", "critical", "correctness", 0),
        ("ruff", "high", "correctness", 4),
        ("mypy", "medium", "correctness", 7),
        ("ruff", "low", "style", 9),
    ],
)
def test_a_finding_bounds_its_part(
    tool: ToolName, severity: Severity, part: str, most: int
) -> None:
    held = capped(best(), caps(examined(tool, severity)))
    assert getattr(held, part) == most


def test_many_small_findings_cost_style_more_than_one() -> None:
    assert caps(examined("ruff", "low", 30)).style < caps(examined("ruff", "low")).style


@pytest.mark.parametrize(("covered", "most"), [(0, 0), (1, 1), (50, 5), (51, 6), (100, 10)])
def test_coverage_is_graded_at_most_its_share(covered: int, most: int) -> None:
    made = ToolReport(tool="coverage", state="ran", lines=100, covered=covered)
    assert caps(Examined(reports=(made,))).test_coverage == most


@pytest.mark.parametrize("state", ["absent", "failed", "unsuited"])
def test_a_tool_that_did_not_look_bounds_nothing(state: str) -> None:
    made = msgspec.convert({"tool": "coverage", "state": state}, ToolReport)
    assert capped(best(), caps(Examined(reports=(made,)))) == best()
