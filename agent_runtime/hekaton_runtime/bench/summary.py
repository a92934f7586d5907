"""The table of a run: one column a mode, one line a measure. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hekaton_runtime.bench.intervals import Rate, rate
from hekaton_runtime.bench.rows import Row, covered


@dataclass(frozen=True, slots=True)
class Summary:
    """All tasks of one mode."""

    mode: str
    tasks: int
    passed: int
    failed: int
    stopped: int
    rate: Rate
    first_try: int
    accepted: int
    tokens: int
    cost_micros: int
    wall: float
    """Seconds in which at least one of them was being worked."""

    @property
    def tokens_per_pass(self) -> float | None:
        return self.tokens / self.passed if self.passed else None


def summary(mode: str, rows: Sequence[Row]) -> Summary:
    passed = sum(row.passed for row in rows)
    return Summary(
        mode=mode,
        tasks=len(rows),
        passed=passed,
        failed=sum(row.outcome == "FAIL" for row in rows),
        stopped=sum(row.outcome == "STOPPED" for row in rows),
        rate=rate(passed, len(rows)),
        first_try=sum(row.first_try for row in rows),
        accepted=sum(row.accepted for row in rows),
        tokens=sum(row.tokens for row in rows),
        cost_micros=sum(row.cost_micros for row in rows),
        wall=covered([span for row in rows for span in row.spans]),
    )


def summaries(rows: Sequence[Row]) -> tuple[Summary, ...]:
    """One a mode, in the order in which the modes first occur."""
    modes = dict.fromkeys(row.mode for row in rows)
    return tuple(summary(mode, [row for row in rows if row.mode == mode]) for mode in modes)


@dataclass(frozen=True, slots=True)
class Table:
    title: str
    modes: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]
    """A measure's name and its value for each mode."""


def table(title: str, columns: Sequence[Summary]) -> Table:
    shown = [dict(_measures(one)) for one in columns]
    names = shown[0] if shown else {}
    lines = tuple((name, *(column[name] for column in shown)) for name in names)
    return Table(title, tuple(one.mode for one in columns), lines)


def _measures(one: Summary) -> Iterator[tuple[str, str]]:
    yield "tasks", f"{one.tasks}"
    yield "PASS", f"{one.passed}"
    yield "PASS rate", f"{one.rate.share:.1%}"
    yield "95 % interval", f"{one.rate.low:.1%} to {one.rate.high:.1%}"
    yield "first-try PASS", f"{one.first_try} ({_share(one.first_try, one.tasks)})"
    yield "acceptance passed at the end", f"{one.accepted} ({_share(one.accepted, one.tasks)})"
    yield "FAIL", f"{one.failed}"
    yield "STOPPED", f"{one.stopped}"
    yield "tokens", f"{one.tokens:,}"
    yield "tokens per PASS", "-" if one.tokens_per_pass is None else f"{one.tokens_per_pass:,.0f}"
    yield "cost", f"${one.cost_micros / 1e6:.4f}"
    yield "wall time", f"{one.wall:.1f} s"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "-"


def markdown(made: Table) -> str:
    """The table for a document."""
    head = f"| | {' | '.join(made.modes)} |"
    rule = f"|---|{'---:|' * len(made.modes)}"
    body = [f"| {' | '.join(line)} |" for line in made.lines]
    return "\n".join([f"**{made.title}**", "", head, rule, *body]) + "\n"
