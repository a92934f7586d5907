"""What was measured of the operator, as tables with the bars beside them. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from figures.quantiles import ms, spread
from figures.report import Table
from scaling.audit import Request, admissions

Row = tuple[str, ...]
SHARE = 150 / 240
"""Of a bare operator's rate that this one must reach, which does more for each mission."""
BARE, HELD, BUSY = "bare operator, controllers held", "controllers held", "controllers at work"
PEERS = (
    ("Kueue, 15 000 workloads, envtest", "42.7/s admitted", "kueue: test/performance/scheduler/configs"),
    ("agent-sandbox, 75 claims/s on kwok", "gates p50 300 ms, p99 500 ms", "agent-sandbox: dev/ci/presubmits"),
    ("agent-sandbox, writes a claim", "23.2-24.2", "cocoonstack/sandbox-operator#33"),
    ("KubeRay, clusters created", "up to 6.6/s", "kuberay: benchmark/perf-tests"),
    ("valkey-operator, 240 pods", "83 MB peak", "valkey-operator#407"),
    ("bare kopf operator of this shape", "240/s, 2 writes, p99 28 and 55 ms, 166 MiB, 4.3 s", "probe before this operator"),
)  # fmt: skip


@dataclass(slots=True)
class Measured:
    bursts: list[Row] = field(default_factory=list)
    paces: list[Row] = field(default_factory=list)
    writes: list[Row] = field(default_factory=list)
    sizes: list[Row] = field(default_factory=list)
    overs: list[Row] = field(default_factory=list)
    rates: dict[tuple[str, int], float] = field(default_factory=dict)
    """Admitted a second, by what does it and how many there are."""
    plain: dict[str, object] = field(default_factory=dict)

    def burst(self, what: str, size: int, requests: Sequence[Request], cpu: float) -> None:
        """`what`: who does it, and what goes on beside it."""
        made = [r.answered for r in requests if r.verb == "create" and r.resource == "missions"]
        told = [r.answered for r in requests if r.write and r.resource == "missions/status"]
        waits, took = spread(admissions(list(requests))), max(told) - min(made)
        reads, writes = (sum(f(r) for r in requests) for f in (_reads, _writes))
        self.bursts.append((
            what, f"{size:,}", f"{size / (max(made) - min(made)):.0f}", f"{size / took:.0f}", ms(waits.p50), ms(waits.p99),
            f"{writes / size:.2f}", f"{reads / size:.2f}", f"{cpu:.1f}",
        ))  # fmt: skip
        self.rates[what, size] = size / took
        self.plain[f"burst_{size}, {what}"] = {"per_second": size / took, "writes": writes / size}

    def pace(self, rate: int, seconds: Sequence[float]) -> None:
        found = spread(seconds)
        self.paces.append(
            (f"{rate}/s", str(found.many), ms(found.p50), ms(found.p90), ms(found.p99))
        )
        self.plain[f"pace_{rate}"] = {"p50": found.p50, "p99": found.p99}

    def life(self, missions: int, seconds: float, writes: Counter[str]) -> None:
        each = ", ".join(f"{many / missions:.2f} {name}" for name, many in writes.most_common())
        total = sum(writes.values()) / missions
        self.writes.append((f"a life of {seconds:g} s ({missions} missions)", f"{total:.2f}", each))
        self.plain["writes_per_life"] = total

    def idle(
        self, what: str, formations: int, missions: int, rest: float, writes: Counter[str]
    ) -> None:
        total = sum(writes.values())
        said = ", ".join(f"{many} {name}" for name, many in writes.most_common()) or "-"
        name = f"{formations:,} Formations, {missions:,} Missions, {rest:g} s: {what}"
        self.writes.append((name, str(total), said))
        self.plain[f"idle: {what.split(',')[0]}"] = total

    def kept(
        self, size: int, cold: float, memory: tuple[float, float], base: float, objects: float
    ) -> None:
        now, peak = memory
        each = (now - base) * 1024 / size
        self.sizes.append((
            f"{size:,} Missions", f"{objects:,.0f}", f"{cold:.1f}", f"{now:.0f}", f"{peak:.0f}", f"{base:.0f}",
            f"{each:.1f}",
        ))  # fmt: skip
        self.plain[f"kept_{size}"] = {"mib": now, "peak": peak, "base": base, "cold": cold}

    def large(
        self, formations: int, missions: int, memory: tuple[float, float], objects: float
    ) -> None:
        now, peak = memory
        name = f"{formations:,} Formations, {missions:,} Missions"
        self.sizes.append((name, f"{objects:,.0f}", "-", f"{now:.0f}", f"{peak:.0f}", "-", "-"))

    def hand_over(self, how: str, seconds: float) -> None:
        self.overs.append((how, f"{seconds:.1f}"))

    def figures(self) -> Mapping[str, object]:
        return self.plain


def _reads(request: Request) -> bool:
    return request.read


def _writes(request: Request) -> bool:
    return request.write


def tables(found: Measured) -> tuple[Table, ...]:
    shown = (
        Table(
            f"A burst (bar: at 2,000 at least 150 admitted/s where a bare operator has 240: {SHARE:.2f} of it)",
            ("what", "missions", "created/s", "admitted/s", "p50 ms", "p99 ms", "writes each", "reads each", "CPU s"),
            tuple(found.bursts),
        ),
        Table(
            "A steady stream, apply to admitted, controllers held (bar: p99 at most 100 ms at 75/s)",
            ("rate", "missions", "p50 ms", "p90 ms", "p99 ms"), tuple(found.paces),
        ),
        Table(
            "Writes to the API server (bars: 10 a life, 0 while nothing happens)",
            ("what", "writes", "which"), tuple(found.writes),
        ),
        Table(
            "Cold start and memory (bars: 6 s and 150 MiB at 5,000 Missions)",
            ("cluster", "objects known", "steady s", "MiB", "peak MiB", "MiB before", "KiB a Mission"), tuple(found.sizes),
        ),
        Table("Hand-over, until the other replica leads", ("leader ends by", "s"), tuple(found.overs)),
        Table("Peers, by their own published figures on other machines", ("what", "figure", "source"), PEERS),
    )  # fmt: skip
    return tuple(table for table in shown if table.rows)


def shares(found: Measured) -> tuple[str, ...]:
    """What this operator reaches of a bare one's rate, where both had as many missions."""
    pairs = [(rate, found.rates.get((HELD, size)), size) for (who, size), rate in found.rates.items() if who == BARE]  # fmt: skip
    return tuple(
        f"{size:,} at once: {own / bare:.2f} of the bare operator's rate on this machine in this run; bar: {SHARE:.2f}."
        for bare, own, size in pairs
        if own is not None
    )


def notes(found: Measured) -> tuple[str, ...]:
    return (
        *shares(found),
        "Everything shares the cores of this machine: API server and etcd (no fsync), controllers and kwok take the larger"
        " part of a burst's CPU. A control plane of its own would give more.",
        "A Mission counts with all that belongs to it: its ConfigMap, Job and pod are known objects as well.",
        "Peers' figures were made by others on other machines with other work in an object: an order of magnitude, no contest.",
    )
