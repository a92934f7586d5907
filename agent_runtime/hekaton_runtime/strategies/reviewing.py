"""Verify, examine, then audit: executable evidence first, opinion second, and never above the evidence."""

from hekaton_runtime.answers import Review
from hekaton_runtime.brief import Brief, Finding
from hekaton_runtime.effects import Examine, Read, Run, Strategy
from hekaton_runtime.results import Examined, Ran
from hekaton_runtime.review.caps import capped, caps
from hekaton_runtime.review.telling import findings, notes
from hekaton_runtime.strategies.building import BUILD
from hekaton_runtime.strategies.steps import Step, Unanswered, ask, everything, evidence
from hekaton_runtime.strategies.values import Assignment, Loop, Rules, Seat

LEAST_SECONDS = 120.0
SLOWER = 2.0
"""How much longer acceptance may take while it is watched."""


def verify(a: Assignment, branch: str = BUILD) -> Step[Ran]:
    """The mission's acceptance commands on a branch's tree."""
    ran: Ran = yield Run(
        branch=branch, commands=a.acceptance, seconds=a.acceptance_seconds, acceptance=True
    )
    return ran


def examine(a: Assignment, edition: int) -> Step[Examined | None]:
    """What tools say of the changed lines; missions of earlier editions never asked any."""
    if edition < 3 or not a.rules.tools:
        return None
    examined: Examined = yield Examine(
        branch=BUILD,
        tools=a.rules.tools,
        commands=a.acceptance,
        seconds=max(LEAST_SECONDS, SLOWER * a.acceptance_seconds),
    )
    return examined


def audit(
    a: Assignment, ran: Ran, told: tuple[str, ...], number: int, edition: int = 1
) -> Step[Loop]:
    """The rubric over a tree that passed, by every auditor of the team, bounded by what tools found."""
    examined = yield from examine(a, edition)
    seen = yield Read(branch=BUILD)
    heard = notes(examined) if examined else ()
    brief = Brief(
        step="audit", goal=a.goal, acceptance=a.acceptance, tree=seen.tree, files=seen.files,
        notes=(*told, f"Acceptance passed: `{ran.command}`", *heard), findings=findings(examined),
    )  # fmt: skip
    auditors, account = a.team.named("auditor"), (f"loop-{number}",)
    if len(auditors) == 1 or edition < 2:
        given = yield from ask(auditors[0], brief, Review, account)
    else:
        given = yield from _all(auditors, brief, number)
    review = capped(given, caps(examined, accepted=ran.passed))
    return Loop(True, said(ran), review, score(review, a.rules), examined, given)


def _all(auditors: tuple[Seat, ...], brief: Brief, number: int) -> Step[Review]:
    """Side by side; whoever gives no usable review is missing, as long as somebody gives one."""
    found = yield from everything(
        {
            f"audit-{number}-{seat.name}": _one(seat, brief, index, number)
            for index, seat in enumerate(auditors)
        }
    )
    reviews = [review for review in found.values() if isinstance(review, Review)]
    if not reviews:
        raise Unanswered("; ".join(map(str, found.values())))
    return joined(reviews)


def _one(seat: Seat, brief: Brief, index: int, number: int) -> Strategy:
    try:
        return (yield from ask(seat, brief, Review, (f"loop-{number}",), before=index))
    except Unanswered as fault:
        return fault


def joined(reviews: list[Review]) -> Review:
    """One review of several: means of the grades, rounded down, and all that anybody found."""
    many = len(reviews)
    findings = dict.fromkeys(found for review in reviews for found in review.findings)
    return Review(
        correctness=sum(one.correctness for one in reviews) // many,
        style=sum(one.style for one in reviews) // many,
        security=sum(one.security for one in reviews) // many,
        test_coverage=sum(one.test_coverage for one in reviews) // many,
        summary=" / ".join(one.summary for one in reviews)[:4000],
        findings=tuple(findings),
    )


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
    return (*findings(loop.examined), *loop.review.findings) or (Finding(text=low),)


def left_open(loop: Loop) -> tuple[Finding, ...]:
    """What the reviewers found in a tree that passed; the tools' findings stay with their reports."""
    return loop.review.findings if loop.review else ()


def said(ran: Ran) -> str:
    return f"$ {ran.command}\n{ran.output}".strip()
