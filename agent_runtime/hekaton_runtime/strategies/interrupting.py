"""Interruption synthesis: whom to stop because its marginal value fell, and what is kept of its work. Pure.

A worker is stopped on evidence alone: acceptance passes without it, or it is late by far while what
its siblings took is known.
"""

from collections.abc import Iterable

from hekaton_runtime.answers import Patch, Reasoned, Unfit, parse
from hekaton_runtime.results import Answer, Ran, Rejected

LATE = 4.0
"""Times the longest sibling's time after which a worker counts as late."""
LONGEST_KEPT = 24_000
"""Characters of partial work that the next brief carries."""


def limit(longest: float, grace: float) -> float:
    """Seconds that a worker may take, once a sibling has ended."""
    return max(grace, LATE * longest)


def partial(task: str, had: Iterable[object]) -> str:
    """What a stopped worker leaves, in words for the next brief."""
    files, seen = "", ""
    for body in had:
        if isinstance(body, Answer):
            files = _files(body.text) or files
        elif isinstance(body, Ran) and not body.passed:
            seen = f"`{body.command}` failed with exit code {body.exit_code}: {body.output[-2000:]}"
        elif isinstance(body, Rejected):
            seen = "; ".join(found.text for found in body.findings)
    if not files:
        return f"A worker was stopped at task {task} and had written nothing yet."
    left = f"A worker was stopped at task {task}. Use what is right of its partial work:\n{files}"
    return (left[:LONGEST_KEPT] + (f"\nWhat was seen of it: {seen}" if seen else "")).strip()


def _files(text: str) -> str:
    patch = _patch(text)
    return "\n".join(f"--- {one.path}\n{one.content}" for one in patch.files) if patch else ""


def _patch(text: str) -> Patch | Reasoned | None:
    try:
        return parse(text, Patch)
    except Unfit:
        pass
    try:
        return parse(text, Reasoned)
    except Unfit:
        return None
