"""The last words of a run: outcome, cost, where the artifact and the SITREP are, and what to do next."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
from rich.console import Console

from hekaton_runtime.cli.terminal import clean
from hekaton_runtime.conductor.conduct import RESUMABLE
from hekaton_runtime.conductor.delivering import SITREP
from hekaton_runtime.conductor.records import Status
from hekaton_runtime.conductor.work import Finished
from hekaton_runtime.report.values import Account, Artifact

EXIT = {"passed": 0, "failed": 1, "stopped": 3}
STYLE = {"passed": "bold green", "failed": "bold red", "stopped": "bold yellow"}
GOES_ON = (*RESUMABLE, "diverged")
"""Kinds of a stop after which a mission can go on: at once, or with the code that it was begun with."""


@dataclass(frozen=True, slots=True)
class Words:
    """What is said of a mission's end."""

    mission: str
    outcome: str
    reason: str
    simulated: bool
    tokens: Account
    micros: Account
    artifact: Artifact | None
    sitrep: Path | None
    """None where there is none on this machine: a killed mission has none before its conductor is back."""
    next: str = ""


def conclude(finished: Finished, *, as_json: bool) -> int:
    """Print the last words of a mission that ends now; returns the exit code."""
    report, ending = finished.report, finished.ending
    budget, steps = report.budget, [step.command or step.text for step in report.next_steps[:1]]
    return say(
        Words(
            report.mission, ending.state, ending.reason, report.simulated, budget.tokens, budget.micros,
            report.artifact, finished.folder / SITREP, "".join(steps),
        ),
        as_json=as_json,
    )  # fmt: skip


def over(now: Status) -> bool:
    """Whether it has ended for good."""
    return now.state in EXIT and now.stop_kind not in GOES_ON


def retell(now: Status, folder: Path, *, as_json: bool) -> int:
    """The last words once more, of a mission that was `over` before; returns the same exit code."""
    artifact = msgspec.convert(now.artifact, Artifact) if now.artifact else None
    sitrep = folder / SITREP
    return say(
        Words(
            now.id, now.state, f"{now.reason} (it had ended already)", now.simulated,
            _account(now.cap_tokens, now.spent_tokens), _account(now.cap_micros, now.spent_micros),
            artifact, sitrep if sitrep.exists() else None, f"hekaton show {now.id}",
        ),
        as_json=as_json,
    )  # fmt: skip


def _account(cap: int, spent: int) -> Account:
    return Account(cap, spent, cap - spent)


def say(words: Words, *, as_json: bool) -> int:
    """Print; returns the exit code."""
    if as_json:
        print(
            json.dumps(
                {
                    "type": "Finished",
                    "mission": words.mission,
                    "outcome": words.outcome,
                    "reason": words.reason,
                    "simulated": words.simulated,
                    "tokens": words.tokens.spent,
                    "micros": words.micros.spent,
                    "sitrep": str(words.sitrep) if words.sitrep else None,
                    "artifact": words.artifact.patch if words.artifact else None,
                }
            )
        )
        return EXIT[words.outcome]
    console = Console(soft_wrap=True, highlight=False)
    mark = " (SIMULATED)" if words.simulated else ""
    said = clean(f"\n{words.outcome.upper()}{mark}: {words.reason}")
    console.print(said, style=STYLE[words.outcome], markup=False)
    for name, fact in _facts(words):
        print(f"{name:<10}{fact}")  # not a table: paths must stay whole, to be copied
    return EXIT[words.outcome]


def _facts(words: Words) -> Iterator[tuple[str, str]]:
    tokens, money = words.tokens, words.micros
    yield "mission", words.mission
    yield (
        "spent",
        f"{tokens.spent:,} of {tokens.cap:,} tokens, ${money.spent / 1e6:.6f} of ${money.cap / 1e6:.2f}",
    )
    if words.artifact:
        yield "artifact", f"branch {words.artifact.branch}, commit {words.artifact.commit[:12]}"
        yield "", words.artifact.patch
        yield "", words.artifact.bundle
    if words.sitrep:
        yield "SITREP", str(words.sitrep)
    if words.next:
        yield "next", words.next
