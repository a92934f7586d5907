"""Verify, then audit: executable evidence first, opinion second; no debate overturns a passing test."""

from hekaton_runtime.answers import Review
from hekaton_runtime.brief import Brief, Finding
from hekaton_runtime.effects import Read, Run
from hekaton_runtime.results import Ran
from hekaton_runtime.strategies.building import BUILD
from hekaton_runtime.strategies.steps import Step, ask, evidence
from hekaton_runtime.strategies.values import Assignment, Loop, Rules


def verify(a: Assignment, branch: str = BUILD) -> Step[Ran]:
    """The mission's acceptance commands on a branch's tree."""
    ran: Ran = yield Run(
        branch=branch, commands=a.acceptance, seconds=a.acceptance_seconds, acceptance=True
    )
    return ran


def audit(a: Assignment, ran: Ran, notes: tuple[str, ...], account: tuple[str, ...]) -> Step[Loop]:
    """The auditor's rubric over a tree that passed."""
    seen = yield Read(branch=BUILD)
    brief = Brief(
        step="audit", goal=a.goal, acceptance=a.acceptance, tree=seen.tree, files=seen.files,
        notes=(*notes, f"Acceptance passed: `{ran.command}`"),
    )  # fmt: skip
    review = yield from ask(a.team.first("auditor"), brief, Review, account)
    return Loop(True, said(ran), review, score(review, a.rules))


def score(review: Review, rules: Rules) -> float:
    """Weighted mean of the four grades, 0 to 10."""
    grades = (review.correctness, review.style, review.security, review.test_coverage)
    return round(
        sum(w * g for w, g in zip(rules.weights, grades, strict=True)) / sum(rules.weights), 2
    )


def open_findings(a: Assignment, ran: Ran, loop: Loop) -> tuple[Finding, ...]:
    """What the next repair must mend; empty: the tree may leave."""
    if not ran.passed:
        return (evidence(ran),)
    if loop.review is None or loop.score is None or loop.score >= a.rules.pass_score:
        return ()
    low = f"The review scored {loop.score} of 10; {a.rules.pass_score} are needed: {loop.review.summary}"
    return loop.review.findings or (Finding(text=low),)


def said(ran: Ran) -> str:
    return f"$ {ran.command}\n{ran.output}".strip()
