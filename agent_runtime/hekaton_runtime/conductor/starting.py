"""Whether acceptance could start at all: a failure of the mission's own words, not of the work. Pure.

A strategy takes such a run for a failed test, as it must: its effects are journaled, and the program
may be the one that is to be written. Only the mission's last words tell the two apart.
"""

from collections.abc import Sequence

from hekaton_runtime.conductor.engine import Moment
from hekaton_runtime.effects import Run
from hekaton_runtime.results import Ran

WHY = {126: "no permission to execute it", 127: "not found"}
"""What a shell's exit code says of a command that it could not start."""
SHOWN = 200
"""Characters of a command."""


def unstartable(course: Sequence[Moment]) -> str:
    """The acceptance command that could not start in the last run of acceptance; empty: none."""
    runs = (
        moment.result
        for moment in reversed(course)
        if isinstance(moment.effect, Run) and moment.effect.acceptance
    )
    last = next(runs, None)
    if not isinstance(last, Ran) or last.passed or last.exit_code not in WHY:
        return ""
    return f"acceptance command {last.command[:SHOWN]!r} cannot start: {WHY[last.exit_code]}"
