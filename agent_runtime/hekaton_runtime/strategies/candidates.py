"""Whole answers on branches of their own, each tried against acceptance before anybody votes on it."""

from dataclasses import dataclass

from hekaton_runtime.answers import Patch
from hekaton_runtime.brief import Brief, Finding
from hekaton_runtime.effects import Strategy, Write
from hekaton_runtime.results import Ran, Written
from hekaton_runtime.strategies.building import BUILD
from hekaton_runtime.strategies.content import normal
from hekaton_runtime.strategies.reviewing import said, verify
from hekaton_runtime.strategies.steps import OutOfBudget, Step, Unanswered, ask, evidence
from hekaton_runtime.strategies.values import Assignment, Loop, Seat


@dataclass(frozen=True, slots=True)
class Candidate:
    """One answer and what came of it."""

    name: str
    seat: str
    branch: str = ""
    """Empty where nothing could be written."""
    content: str = ""
    passed: bool = False
    loop: Loop = Loop(False, "")
    findings: tuple[Finding, ...] = ()
    why: str = ""
    fault: Exception | None = None
    """Why there is no answer."""


def sample(
    a: Assignment, seat: Seat, brief: Brief, name: str, account: tuple[str, ...], number: int
) -> Strategy:
    """Ask for one answer and try it; having none is a value here, since others may have one."""
    try:
        patch = yield from ask(seat, brief, Patch, account, before=number)
    except (Unanswered, OutOfBudget) as fault:
        return Candidate(name, seat.name, why=str(fault), fault=fault)
    return (yield from tried(a, seat, name, patch))


def tried(a: Assignment, seat: Seat, name: str, patch: Patch) -> Step[Candidate]:
    """Write a patch on a branch of its own and run the acceptance commands there."""
    branch, content = f"try/{name}", normal(patch)
    message = f"{name}: {patch.summary or a.goal}"[:200]
    written = yield Write(branch=branch, base=BUILD, files=patch.files, message=message)
    if not isinstance(written, Written):
        why = "; ".join(found.text for found in written.findings)
        return Candidate(name, seat.name, content=content, findings=written.findings, why=why)
    ran: Ran = yield from verify(a, branch)
    loop = Loop(ran.passed, said(ran))
    if ran.passed:
        return Candidate(name, seat.name, branch, content, True, loop)
    found = evidence(ran)
    return Candidate(name, seat.name, branch, content, False, loop, (found,), found.text)
