"""The results of a run as JSON, CSV and Markdown. Pure but for `write`, which puts them into a folder."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from hekaton_runtime.bench.rows import Row
from hekaton_runtime.bench.summary import Summary, markdown, table
from hekaton_runtime.errors import BadInput

FORMAT = "hekaton.dev/bench/v1"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One task in one mode: HMA's log fields first, then what else is worth knowing."""

    task: str
    mode: str
    complexity: str
    tokens: int
    token_roi: float
    """PASS for a thousand tokens."""
    latency_s: float
    outcome: str
    cost_usd: float
    loops: int
    first_try: bool
    accepted: bool
    seed: int
    reason: str
    mission: str


class Mode(msgspec.Struct, frozen=True, kw_only=True):
    """One mode's summary; shares are 0 to 1."""

    mode: str
    tasks: int
    passed: int
    failed: int
    stopped: int
    pass_rate: float
    low_95: float
    high_95: float
    first_try: int
    accepted: int
    tokens: int
    tokens_per_pass: float | None
    cost_usd: float
    wall_s: float


@dataclass(frozen=True, slots=True)
class About:
    """What the results are results of."""

    run: str
    title: str
    formation: str
    simulated: bool
    complete: bool
    budget: str
    """What the ledger says."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    format: str = FORMAT
    run: str
    title: str
    formation: str
    simulated: bool
    complete: bool
    budget: str
    modes: tuple[Mode, ...]
    tasks: tuple[Line, ...]


def line(row: Row) -> Line:
    return Line(
        task=row.task, mode=row.mode, complexity=row.complexity, tokens=row.tokens,
        token_roi=round(row.token_roi, 6), latency_s=round(row.latency, 3), outcome=row.outcome,
        cost_usd=row.cost_micros / 1_000_000, loops=row.loops, first_try=row.first_try,
        accepted=row.accepted, seed=row.seed, reason=row.reason, mission=row.mission,
    )  # fmt: skip


def mode(one: Summary) -> Mode:
    return Mode(
        mode=one.mode, tasks=one.tasks, passed=one.passed, failed=one.failed, stopped=one.stopped,
        pass_rate=one.rate.share, low_95=one.rate.low, high_95=one.rate.high,
        first_try=one.first_try, accepted=one.accepted, tokens=one.tokens,
        tokens_per_pass=one.tokens_per_pass, cost_usd=one.cost_micros / 1_000_000,
        wall_s=round(one.wall, 3),
    )  # fmt: skip


def json_bytes(about: About, modes: Sequence[Summary], rows: Sequence[Row]) -> bytes:
    report = Report(
        run=about.run, title=about.title, formation=about.formation, simulated=about.simulated,
        complete=about.complete, budget=about.budget,
        modes=tuple(map(mode, modes)), tasks=tuple(map(line, rows)),
    )  # fmt: skip
    return msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n"


def csv_text(rows: Sequence[Row]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(Line.__struct_fields__)
    writer.writerows(msgspec.structs.astuple(line(row)) for row in rows)
    return text.getvalue()


def write(
    folder: Path, about: About, modes: Sequence[Summary], rows: Sequence[Row]
) -> tuple[Path, ...]:
    """Three files; raises `BadInput` where the folder cannot be written."""
    texts = {
        "results.json": json_bytes(about, modes, rows),
        "results.csv": csv_text(rows).encode(),
        "results.md": f"{markdown(table(about.title, modes))}\n{about.budget}.\n".encode(),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in texts.items():
            (folder / name).write_bytes(data)
    except OSError as fault:
        why = fault.strerror or str(fault)
        raise BadInput([f"--out: {folder}: {why}. Give a folder that can be written."]) from fault
    return tuple(folder / name for name in texts)
