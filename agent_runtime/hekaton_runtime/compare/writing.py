"""A comparison as tables, JSON, CSV and Markdown. Pure but for `write`, which puts them into a folder."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec

from hekaton_runtime.bench.writing import Line, line
from hekaton_runtime.compare.analysis import Comparison, Contrast, Point, Result, is_right
from hekaton_runtime.compare.picture import picture
from hekaton_runtime.compare.plan import FORMAT, Plan
from hekaton_runtime.compare.verdicts import chance, decision, spread
from hekaton_runtime.errors import BadInput

PLAN = "plan.json"
CURVE = ("arm", "cap", "right", "runs", "share", "low_95", "high_95", "tokens_a_mission", "most_of_cap", "unspent", "stopped", "cost_usd", "simulated")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Grid:
    """A table: its title, columns and rows."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def text(self) -> str:
        """For a terminal, as wide as it takes: nothing is cut."""
        cells = (self.columns, *self.rows)
        wide = [max(len(row[n]) for row in cells) for n in range(len(self.columns))]
        lines = (
            "  ".join(f"{cell:{'>' if n else '<'}{wide[n]}}" for n, cell in enumerate(row))
            for row in cells
        )
        return "\n".join((self.title, *(line.rstrip() for line in lines)))

    def markdown(self) -> str:
        rule = "|".join(["---", *("---:" for _ in self.columns[1:])])
        lines = (f"| {' | '.join(row)} |" for row in (self.columns, *self.rows))
        head, *body = lines
        return "\n".join([f"**{self.title}**", "", head, f"|{rule}|", *body]) + "\n"


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything that is said at the end."""

    plan: Plan
    title: str
    """Says SIMULATED where a simulated model answered, and PARTIAL where missions are left."""
    simulated: bool
    seen: Comparison
    results: tuple[Result, ...]
    before: tuple[str, ...]
    verdict: tuple[str, ...]
    budget: str


def quality(end: Outcome) -> Grid:
    """Quality against budget: a row a cap and arm."""
    columns = ("cap, arm", "right", "95 % interval", "tokens a mission", "most of a cap", "unspent", "stopped", "cost")  # fmt: skip
    rows = tuple(
        (
            f"{one.cap:,} {one.arm}", f"{one.right}/{one.runs} ({one.share:.1%})",
            f"{one.interval.low:.1%} to {one.interval.high:.1%}", f"{one.tokens:,.0f}", f"{one.most:.1%}",
            f"{unspent(one):,.0f}", f"{one.stopped}", f"${one.cost_micros / 1e6:.4f}",
        )
        for one in end.seen.points
    )  # fmt: skip
    return Grid(f"{end.title}: quality against budget", columns, rows)


def unspent(one: Point) -> float:
    """Tokens of the cap that a mission left on average."""
    return one.cap - one.tokens if one.runs else 0.0


def differences(end: Outcome) -> Grid:
    """Each arm against the baseline."""
    columns = (
        "cap, arm",
        "points",
        "95 % interval",
        "won",
        "lost",
        "p, McNemar",
        "p, Holm",
        "says",
    )
    rows = tuple(_difference(end, one) for one in end.seen.contrasts)
    return Grid(f"{end.title}: against {end.plan.baseline}", columns, rows)


def _difference(end: Outcome, one: Contrast) -> tuple[str, ...]:
    last = one.adjusted is not None and end.seen.complete
    return (
        f"{one.cap:,} {one.arm}", f"{100 * one.difference:+.1f}", spread(one.interval).removeprefix("95 % "),
        f"{one.won}", f"{one.lost}", chance(one.p), chance(one.adjusted),
        decision(end.plan, one) if last else "described",
    )  # fmt: skip


def json_bytes(end: Outcome) -> bytes:
    whole = {
        "format": FORMAT, "run": end.plan.run, "title": end.title, "simulated": end.simulated,
        "complete": end.seen.complete, "tasks": end.seen.tasks, "baseline": end.plan.baseline,
        "before": end.before, "verdict": end.verdict, "budget": end.budget,
        "points": [{**asdict(one), "share": one.share, "unspent": unspent(one)} for one in end.seen.points],
        "contrasts": [
            {**asdict(one), "decision": decision(end.plan, one) if one.adjusted is not None and end.seen.complete else None}
            for one in end.seen.contrasts
        ],
        "areas": [asdict(one) for one in end.seen.areas],
    }  # fmt: skip
    return msgspec.json.format(msgspec.json.encode(whole), indent=2) + b"\n"


def missions_csv(end: Outcome) -> str:
    """Each mission with its arm, cap and whether its tests pass."""
    rows = (
        (one.arm, one.cap, is_right(one.row), one.row.simulated, *msgspec.structs.astuple(line(one.row)))
        for one in end.results
    )  # fmt: skip
    return _csv(("arm", "cap", "right", "simulated", *Line.__struct_fields__), rows)


def curve_csv(end: Outcome) -> str:
    rows = (
        (
            one.arm, one.cap, one.right, one.runs, round(one.share, 6), round(one.interval.low, 6),
            round(one.interval.high, 6), round(one.tokens, 1), round(one.most, 4), round(unspent(one), 1),
            one.stopped, one.cost_micros / 1e6, end.simulated,
        )
        for one in end.seen.points
    )  # fmt: skip
    return _csv(CURVE, rows)


def _csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def markdown(end: Outcome) -> str:
    def bullets(lines: Sequence[str]) -> str:
        return "\n".join(f"- {one}" for one in lines)

    parts = [
        f"# {end.title}", "Said before the run:", bullets(end.before), quality(end).markdown(),
        differences(end).markdown(), "![quality against budget](quality.svg)", "Verdict:",
        bullets(end.verdict), f"{end.budget}.",
    ]  # fmt: skip
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def write(folder: Path, end: Outcome) -> tuple[Path, ...]:
    """Five files beside plan.json; raises `BadInput` where the folder cannot be written."""
    return _written(
        folder,
        {
            "comparison.json": json_bytes(end),
            "missions.csv": missions_csv(end).encode(),
            "quality.csv": curve_csv(end).encode(),
            "quality.svg": picture(end.plan, end.seen, end.title).encode(),
            "comparison.md": markdown(end).encode(),
        },
    )


def register(folder: Path, plan: Plan) -> None:
    """Write the plan down before the first mission; one that is there already must be the same."""
    path = folder / PLAN
    if path.exists():
        if registered(folder) != plan:
            raise BadInput(
                [f"{path} holds another comparison: arguments, tasks or the code have changed. Give another --out."]
            )  # fmt: skip
        return
    _written(folder, {PLAN: msgspec.json.format(msgspec.json.encode(plan), indent=2) + b"\n"})


def registered(folder: Path) -> Plan:
    """Raises `BadInput`."""
    path = folder / PLAN
    try:
        return msgspec.json.decode(path.read_bytes(), type=Plan)
    except OSError as fault:
        raise BadInput(
            [f"--resume: {path}: {fault.strerror}. Give the folder of a comparison."]
        ) from fault
    except msgspec.DecodeError as fault:
        raise BadInput(
            [f"--resume: {path}: {fault}. Give the folder of a comparison of this version."]
        ) from fault


def _written(folder: Path, texts: dict[str, bytes]) -> tuple[Path, ...]:
    """Each file whole or not at all: somebody may read, or kill us, at any time."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in texts.items():
            fresh = folder / f".{name}.new"
            fresh.write_bytes(data)
            fresh.replace(folder / name)
    except OSError as fault:
        why = fault.strerror or str(fault)
        raise BadInput([f"--out: {folder}: {why}. Give a folder that can be written."]) from fault
    return tuple(folder / name for name in texts)
