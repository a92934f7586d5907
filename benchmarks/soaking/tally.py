"""What happened in all missions of a soak so far, and the tables it comes to."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from figures.report import Table


@dataclass
class Tally:
    """Grows with each mission."""

    missions: int = 0
    apart: int = 0
    blows: Counter[str] = field(default_factory=Counter)
    phases: Counter[str] = field(default_factory=Counter)
    """Of the missions, at the moments when their conductors were killed."""
    spoiled: Counter[str] = field(default_factory=Counter)
    again: int = 0
    """Conductors that gave up because the database or the broker was away, and were started again."""
    calls: Counter[str] = field(default_factory=Counter)
    billed: int = 0
    settled: int = 0
    unknown: int = 0
    slowest: float = 0.0
    seconds: float = 0.0
    broken: list[str] = field(default_factory=list)

    def figures(self) -> dict[str, object]:
        return {
            "missions": self.missions, "apart": self.apart, "again": self.again, "blows": dict(self.blows), "spoiled": dict(self.spoiled),
            "phases": dict(self.phases), "calls": dict(self.calls), "billed": self.billed, "settled": self.settled,
            "unknown": self.unknown, "seconds": self.seconds, "broken": self.broken,
        }  # fmt: skip


def tables(tally: Tally) -> tuple[Table, ...]:
    calls = " / ".join(f"{tally.calls[state]}" for state in ("settled", "unknown", "released"))
    rows = (
        ("missions that ended with the undisturbed artifact", f"{tally.missions}"),
        ("of these with broker and agents as processes", f"{tally.apart}"),
        ("seconds, all missions / the slowest one", f"{tally.seconds:,.0f} / {tally.slowest:,.0f}"),
        (
            "conductors that gave up over a database or broker away, and were resumed",
            f"{tally.again}",
        ),
        ("calls settled / unknown / released", calls),
        ("calls left open", f"{tally.calls['open']}"),
        ("tokens billed by the server", f"{tally.billed:,}"),
        ("tokens settled in the ledger", f"{tally.settled:,}"),
        ("tokens charged for unknown outcomes", f"{tally.unknown:,}"),
        ("promises broken", f"{len(tally.broken)}"),
    )
    return (
        Table("SIMULATED models: what came of it", ("", "count"), rows),
        _counted("Done to processes", "blow", tally.blows),
        _counted("Done to answers of the model server", "fault", tally.spoiled),
        _counted("Phase in which a conductor was killed", "phase", tally.phases),
    )


def _counted(title: str, name: str, counter: Mapping[str, int]) -> Table:
    rows = sorted(counter.items(), key=lambda one: (-one[1], one[0]))
    return Table(title, (name, "times"), tuple((kind, f"{many}") for kind, many in rows))
