"""The `hekaton` command as a person runs it: with a home of its own, in a session of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
HEKATON = Path(sys.executable).with_name("hekaton")
FORMATION = str(HERE / "formation.yaml")
MISSION = str(ROOT / "manifests" / "missions" / "duration-library.yaml")
PATIENCE = 600.0
"""Seconds for one command."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of an agent, as the event stream tells it."""

    agent: str
    step: str
    fault: str
    tokens: int
    model: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Ran:
    """A command that has ended, with one JSON object a line of output."""

    code: int
    out: str
    error: str
    seconds: float

    @property
    def objects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def replies(self) -> list[Reply]:
        fields = Reply.__dataclass_fields__
        told = [one for one in self.objects if one.get("type") == "Replied"]
        return [Reply(**{name: one[name] for name in fields}) for one in told]

    @property
    def finished(self) -> "Finished":
        """Its last line."""
        last = self.objects[-1]
        assert last["type"] == "Finished", self
        return Finished(
            last["mission"], last["outcome"], last["reason"], last["simulated"], last["tokens"], Path(last["sitrep"])
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finished:
    """The end of a mission as the event stream tells it."""

    mission: str
    outcome: str
    reason: str
    simulated: bool
    tokens: int
    sitrep: Path


@dataclass(frozen=True, slots=True)
class Cost:
    """A line of a mission's account: one model, or one role."""

    calls: int
    tokens_in: int
    tokens_out: int
    unknown_calls: int
    estimated: int

    @property
    def tokens(self) -> int:
        return self.tokens_in + self.tokens_out


@dataclass(frozen=True, slots=True)
class Account:
    """What `hekaton show` says of a mission."""

    state: str
    spent: int
    reserved: int
    model: Cost
    roles: dict[str, Cost]


@dataclass(slots=True)
class Hekaton:
    """Commands that share a home; what is still running is ended by its id."""

    home: Path
    begun: list["subprocess.Popen[str]"] = field(default_factory=list)

    def begin(self, *words: str) -> "subprocess.Popen[str]":
        """Start one in the background, in a process group of its own."""
        process = subprocess.Popen(
            [HEKATON, *words], cwd=self.home, env=self._environment(), start_new_session=True, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.begun.append(process)
        return process

    def run(self, *words: str) -> Ran:
        return ended(self.begin(*words))

    def account(self, mission: str) -> Account:
        """Of one mission, which must have asked one model only."""
        (row,) = self.run("show", mission, "--json").objects
        (model,) = row["models"]
        roles = {one["name"]: cost(one) for one in row["roles"]}
        return Account(
            row["state"], row["spent_tokens"], row["reserved_tokens"], cost(model), roles
        )

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.home),
            "HEKATON_HOME": str(self.home),
        }


def cost(row: dict[str, Any]) -> Cost:
    return Cost(
        row["calls"],
        row["tokens_in"],
        row["tokens_out"],
        row["unknown_calls"],
        row["estimated_calls"],
    )


def ended(process: "subprocess.Popen[str]") -> Ran:
    """Wait for the end of one that was begun."""
    began = time.monotonic()
    out, error = process.communicate(timeout=PATIENCE)
    return Ran(process.returncode, out, error, time.monotonic() - began)


def tell(process: "subprocess.Popen[str]", number: signal.Signals) -> None:
    """Signal the whole process group, as a terminal does."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


@contextmanager
def commands(home: Path) -> Iterator[Hekaton]:
    hekaton = Hekaton(home)
    try:
        yield hekaton
    finally:
        for process in hekaton.begun:
            if process.poll() is None:
                tell(process, signal.SIGTERM)
                with suppress(subprocess.TimeoutExpired):
                    process.communicate(timeout=20)
                tell(process, signal.SIGKILL)
                process.communicate()
