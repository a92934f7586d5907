"""What every benchmark says besides its table: the machine, the load, the commit, the command line.

A figure without these cannot be compared with anything, so no result is written without them.
"""

import argparse
import json
import os
import platform
import shlex
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
RESULTS = ROOT / "benchmarks" / "results"


@dataclass(frozen=True, slots=True)
class Machine:
    """Where and when a figure was made."""

    commit: str
    cpu: str
    cores: int
    python: str
    date: str
    load_before: float
    """Load average of the last minute when the run began."""
    load_after: float


@dataclass(frozen=True, slots=True)
class Table:
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Report:
    """One benchmark's result: what was measured, tables, and what follows from them."""

    name: str
    """Of the file in `results/`."""
    title: str
    what: str
    tables: tuple[Table, ...]
    notes: tuple[str, ...]
    figures: Mapping[str, object]
    """The same as plain numbers, for --json."""


def options(about: str) -> argparse.ArgumentParser:
    """The options that all benchmarks share."""
    words = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--json", action="store_true", help="One JSON object instead of tables.")
    words.add_argument(
        "--write",
        nargs="?",
        type=Path,
        const=RESULTS,
        help="Also write Markdown: FILE, or into results/.",
    )
    return words


def load() -> float:
    return os.getloadavg()[0]


def machine(load_before: float) -> Machine:
    model = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return Machine(
        commit=_commit(), cpu=model[0] if model else platform.machine(), cores=os.cpu_count() or 1,
        python=platform.python_version(), date=time.strftime("%Y-%m-%d"),
        load_before=round(load_before, 2), load_after=round(load(), 2),
    )  # fmt: skip


def _commit() -> str:
    said = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )  # fmt: skip
    return said.stdout.strip() or "no git"


def command() -> str:
    """The command line, as anybody can type it in the repository root."""
    script = Path(sys.argv[0]).resolve()
    name = script.relative_to(ROOT) if script.is_relative_to(ROOT) else script.name
    return shlex.join(["python", str(name), *sys.argv[1:]])


def publish(report: Report, where: Machine, *, as_json: bool, write: Path | None) -> None:
    """Print the result, and write it down where that is wanted."""
    if as_json:
        print(json.dumps({"machine": asdict(where), "notes": report.notes, **report.figures}))
    else:
        print("\n\n".join(plain(table) for table in report.tables))
        print("\n" + "\n".join(report.notes))
    if write:
        file = write / f"{report.name}.md" if write.is_dir() else write
        file.write_text(markdown(report, where, command()))


def plain(table: Table) -> str:
    """A table for a terminal, first column to the left, the others to the right."""
    cells = [table.columns, *table.rows]
    wide = [max(len(row[i]) for row in cells) for i in range(len(table.columns))]
    lines = [
        "  ".join(cell.rjust(w) if i else cell.ljust(w) for i, (cell, w) in enumerate(zip(row, wide, strict=True)))
        for row in cells
    ]  # fmt: skip
    return "\n".join([table.title, *(line.rstrip() for line in lines)])


def markdown(report: Report, where: Machine, typed: str) -> str:
    """The file in `results/`, in the order that benchmarks/README.md asks for."""
    parts = [f"# {report.title}", report.what, f"```sh\n{typed}\n```", facts(where)]
    parts += [
        f"**{table.title}**\n\n{_lines(table.columns, table.rows)}" for table in report.tables
    ]
    parts.append("\n".join(f"- {note}" for note in report.notes))
    return "\n\n".join(parts) + "\n"


def facts(where: Machine) -> str:
    return (
        f"Commit {where.commit}. Machine: {where.cores} cores, {where.cpu}, Python {where.python}, shared with other work:"
        f" load average {where.load_before} before and {where.load_after} after the run. {where.date}."
    )


def _lines(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    rule = "|".join(["---", *("---:" for _ in columns[1:])])
    return "\n".join(
        [f"| {' | '.join(columns)} |", f"|{rule}|", *(f"| {' | '.join(row)} |" for row in rows)]
    )
