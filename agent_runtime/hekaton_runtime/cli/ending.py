"""The last words of a run: outcome, cost, where the artifact and the SITREP are, and what to do next."""

import json
from collections.abc import Iterator

from rich.console import Console

from hekaton_runtime.cli.terminal import clean
from hekaton_runtime.conductor.work import Finished

EXIT = {"passed": 0, "failed": 1, "stopped": 3}
STYLE = {"passed": "bold green", "failed": "bold red", "stopped": "bold yellow"}


def conclude(finished: Finished, *, as_json: bool) -> int:
    """Print them; returns the exit code."""
    report, ending = finished.report, finished.ending
    if as_json:
        print(
            json.dumps(
                {
                    "type": "Finished",
                    "mission": report.mission,
                    "outcome": ending.state,
                    "reason": ending.reason,
                    "simulated": report.simulated,
                    "tokens": report.budget.tokens.spent,
                    "micros": report.budget.micros.spent,
                    "sitrep": str(finished.folder / "SITREP.md"),
                    "artifact": report.artifact.patch if report.artifact else None,
                }
            )
        )
        return EXIT[ending.state]
    console = Console(soft_wrap=True, highlight=False)
    mark = " (SIMULATED)" if report.simulated else ""
    console.print(
        clean(f"\n{ending.state.upper()}{mark}: {ending.reason}"),
        style=STYLE[ending.state],
        markup=False,
    )
    for name, said in _facts(finished):
        print(f"{name:<10}{said}")  # not a table: paths must stay whole, to be copied
    return EXIT[ending.state]


def _facts(finished: Finished) -> Iterator[tuple[str, str]]:
    report = finished.report
    tokens, money = report.budget.tokens, report.budget.micros
    yield "mission", report.mission
    yield (
        "spent",
        f"{tokens.spent:,} of {tokens.cap:,} tokens, ${money.spent / 1e6:.6f} of ${money.cap / 1e6:.2f}",
    )
    if report.artifact:
        yield "artifact", f"branch {report.artifact.branch}, commit {report.artifact.commit[:12]}"
        yield "", report.artifact.patch
        yield "", report.artifact.bundle
    yield "SITREP", str(finished.folder / "SITREP.md")
    for step in report.next_steps[:1]:
        yield "next", step.command or step.text
