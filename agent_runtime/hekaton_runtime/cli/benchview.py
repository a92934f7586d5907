"""What a person sees of a bench: a progress bar on a terminal, plain lines elsewhere, JSON if asked for."""

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from hekaton_runtime.bench.cases import Case
from hekaton_runtime.bench.ledger import Held
from hekaton_runtime.bench.rows import Row
from hekaton_runtime.bench.summary import Summary, table
from hekaton_runtime.bench.working import Left
from hekaton_runtime.bench.writing import line, mode
from hekaton_runtime.conductor.events import Event
from hekaton_runtime.conductor.events import Progress as Moved

LONGEST = 100  # characters of a reason in a line


@dataclass(frozen=True, slots=True)
class Bench:
    """What is run, for those who look on."""

    run: str
    title: str
    simulated: bool
    missions: int
    out: Path


class Lines:
    """One plain line a mission, with the seconds since the start."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._start = time.monotonic()
        self._done = 0

    def __enter__(self) -> "Lines":
        print(f"{self._bench.title}\nrun {self._bench.run}, {self._bench.missions} missions")
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def read_back(self, rows: Sequence[Row]) -> None:
        self._done = len(rows)
        if rows:
            print(f"{len(rows)} ended earlier and are read back; another --run begins anew.")

    def heard(self, case: Case, event: Event) -> None:
        return None

    def ended(self, row: Row) -> None:
        self._done += 1
        print(f"[{self._clock()}] {self._done}/{self._bench.missions} {said(row)}", flush=True)

    def left(self, left: Left) -> None:
        print(f"[{self._clock()}] left: {left.case.record.id}: {short(left.reason)}", flush=True)

    def _clock(self) -> str:
        return f"{time.monotonic() - self._start:6.1f} s"


class JsonLines:
    """One JSON object a mission."""

    def __enter__(self) -> "JsonLines":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def read_back(self, rows: Sequence[Row]) -> None:
        for row in rows:
            self.ended(row)

    def heard(self, case: Case, event: Event) -> None:
        return None

    def ended(self, row: Row) -> None:
        print(json.dumps({"type": "Ended", **msgspec.to_builtins(line(row))}), flush=True)

    def left(self, left: Left) -> None:
        mission, reason = left.case.record.id, left.reason
        print(json.dumps({"type": "Left", "mission": mission, "reason": reason}), flush=True)


class Bar:
    """A bar with the score so far and what is being worked on; failures stay as lines above it."""

    def __init__(self, bench: Bench, console: Console) -> None:
        self._bench = bench
        self._score = {"PASS": 0, "FAIL": 0, "STOPPED": 0}
        self._phases: dict[str, str] = {}
        self._bar = Progress(
            TextColumn("{task.description}"), BarColumn(bar_width=30), MofNCompleteColumn(), TimeElapsedColumn(),
            TextColumn("{task.fields[now]}", style="dim"), console=console,
        )  # fmt: skip
        self._task = self._bar.add_task("", total=bench.missions, now="")

    def __enter__(self) -> "Bar":
        self._bar.console.print(
            self._bench.title, style="bold", markup=False, highlight=False, soft_wrap=True
        )
        self._bar.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.__exit__(None, None, None)

    def read_back(self, rows: Sequence[Row]) -> None:
        for row in rows:
            self._score[row.outcome] += 1
        self._bar.update(self._task, completed=len(rows))
        self._show()

    def heard(self, case: Case, event: Event) -> None:
        if isinstance(event, Moved):
            self._phases[case.record.id] = f"{case.task} {event.phase}"
            self._show()

    def ended(self, row: Row) -> None:
        self._phases.pop(row.mission, None)
        self._score[row.outcome] += 1
        self._bar.advance(self._task)
        if not row.passed:
            self._bar.console.print(said(row), style="dim", markup=False, highlight=False)
        self._show()

    def left(self, left: Left) -> None:
        self._phases.pop(left.case.record.id, None)
        self._show()

    def _show(self) -> None:
        score = "  ".join(f"{many} {name}" for name, many in self._score.items() if many)
        self._bar.update(self._task, description=score, now=", ".join(self._phases.values())[:80])


View = Lines | JsonLines | Bar


def view(bench: Bench, as_json: bool, plain: bool) -> View:
    if as_json:
        return JsonLines()
    console = Console()
    if plain or not console.is_terminal or not sys.stdout.isatty():
        return Lines(bench)
    return Bar(bench, console)


def said(row: Row) -> str:
    """One result in a line."""
    loops = f"{row.loops} repair{'s' if row.loops != 1 else ''}"
    why = "" if row.passed else f": {short(row.reason)}"
    return f"{row.outcome} {row.mission} {loops}, {row.tokens:,} tokens, {row.latency:.1f} s{why}"


def short(text: str) -> str:
    first = text.splitlines()[0] if text else ""
    return first if len(first) <= LONGEST else first[: LONGEST - 3] + "..."


@dataclass(frozen=True, slots=True)
class Closing:
    """All that is said at the end."""

    title: str
    modes: tuple[Summary, ...]
    rows: tuple[Row, ...]
    lefts: tuple[Left, ...]
    proof: Held
    worked: int
    """Missions that ended in this process."""
    seconds: float
    files: tuple[Path, ...]

    @property
    def again(self) -> int:
        """Missions that the same command would go on with."""
        return len(self.lefts) + sum(row.resumable for row in self.rows)


def conclude(looking: View, end: Closing) -> None:
    """The table, the proof of the ledger, the files, and how to go on."""
    if isinstance(looking, JsonLines):
        print(json.dumps(_finished(end)))
        return
    made = table(end.title, end.modes)
    grid = Table(box=None, pad_edge=False, title=made.title, title_justify="left")
    for number, name in enumerate(("", *made.modes)):
        grid.add_column(name, justify="right" if number else "left", no_wrap=True)
    for cells in made.lines:
        grid.add_row(*cells)
    print()
    Console(soft_wrap=True, highlight=False).print(grid, markup=False)
    print(f"\n{end.proof}")
    if end.worked:
        pace = 60 * end.worked / end.seconds
        print(f"ended now: {end.worked} in {end.seconds:.1f} s, {pace:.0f} a minute")
    for path in end.files:
        print(path)
    if end.again:
        for reason in dict.fromkeys(short(left.reason) for left in end.lefts):
            print(f"left: {reason}")
        total = len(end.rows) + len(end.lefts)
        print(f"\nINTERRUPTED: {end.again} of {total} left. The same command goes on with them.")


def _finished(end: Closing) -> dict[str, object]:
    return {
        "type": "Finished", "title": end.title, "complete": not end.again, "ended": len(end.rows),
        "left": end.again, "modes": [msgspec.to_builtins(mode(one)) for one in end.modes],
        "budget": str(end.proof), "held": not end.proof.breaches,
        "files": [str(path) for path in end.files],
    }  # fmt: skip
