"""One line of results a mission: what its status and its replayed course say. Pure."""

from dataclasses import dataclass
from typing import Literal

from hekaton_runtime.answers import Triage, Unfit, parse
from hekaton_runtime.conductor.engine import Moment
from hekaton_runtime.conductor.records import Status
from hekaton_runtime.effects import Ask, Note, Run
from hekaton_runtime.results import Answer, Ran
from hekaton_runtime.strategies.building import BUILD

Outcome = Literal["PASS", "FAIL", "STOPPED"]
Span = tuple[float, float]
"""From and to, seconds since 1970."""
FOR_GOOD = ("killed", "budget", "time", "diverged")
"""Kinds of stop that no resuming mends."""


@dataclass(frozen=True, slots=True)
class Course:
    """What the steps of one mission tell."""

    complexity: str
    """The analyst's word; empty where nobody was asked."""
    judged: tuple[bool, ...]
    """What acceptance said of the whole, loop by loop: probes before it and tries beside it are none."""


@dataclass(frozen=True, slots=True)
class Row:
    """One task in one mode."""

    task: str
    mode: str
    seed: int
    complexity: str
    tokens: int
    cost_micros: int
    latency: float
    """Seconds in which somebody worked on it; pauses of an interrupted run do not count."""
    outcome: Outcome
    reason: str
    loops: int
    """Repairs after the first build."""
    first_try: bool
    """Acceptance passed right after the first build; in `vote`, which repairs nothing, it passed at all."""
    accepted: bool
    """Acceptance passed in the last loop, whatever the review said."""
    mission: str
    simulated: bool = False
    """A simulated model answered, whoever served it."""
    resumable: bool = False
    """It was stopped by an accident; the same run, begun again, goes on with it."""
    spans: tuple[Span, ...] = ()

    @property
    def passed(self) -> bool:
        return self.outcome == "PASS"

    @property
    def token_roi(self) -> float:
        """PASS for a thousand tokens."""
        return 1000 / self.tokens if self.passed and self.tokens else 0.0


def ended(status: Status) -> bool:
    """Whether nothing more can become of it."""
    return status.state in ("passed", "failed") or status.stop_kind in FOR_GOOD


def course(moments: list[Moment]) -> Course:
    complexity = ""
    judged: list[bool] = []
    judging = False
    for moment in moments:
        match moment.effect, moment.result:
            case Ask(answer="triage"), Answer(text=text):
                complexity = _complexity(text) or complexity
            case Note(phase=phase, text=text), _:
                judging = phase == "verify" and text.startswith("loop ")
            case Run(branch=branch, acceptance=True), Ran(passed=passed):
                if judging and branch == BUILD:
                    judged.append(passed)
            case _:
                pass
    return Course(complexity, tuple(judged))


def _complexity(text: str) -> str:
    try:
        return parse(text, Triage).complexity
    except Unfit:
        return ""


def row(task: str, seed: int, status: Status, seen: Course, spans: tuple[Span, ...]) -> Row:
    # Where nothing is repaired (`vote`), no loop judges the whole: its outcome does.
    runs = seen.judged or (outcome(status) == "PASS",)
    return Row(
        task=task,
        mode=status.mode,
        seed=seed,
        complexity=seen.complexity,
        tokens=status.spent_tokens,
        cost_micros=status.spent_micros,
        latency=sum(end - start for start, end in spans),
        outcome=outcome(status),
        reason=status.reason,
        loops=len(runs) - 1,
        first_try=runs[0],
        accepted=runs[-1],
        mission=status.id,
        simulated=status.simulated,
        resumable=not ended(status),
        spans=spans,
    )


def outcome(status: Status) -> Outcome:
    match status.state:
        case "passed":
            return "PASS"
        case "failed":
            return "FAIL"
        case _:
            return "STOPPED"


def spans(started: float, ended_at: float, owners: tuple[Span, ...]) -> tuple[Span, ...]:
    """When a mission was worked: `owners` are the first and last journal entry of each of its owners.

    The first began with the mission and the last ended with it; between two nobody was there.
    """
    if not owners:
        return ((started, ended_at),)
    starts = (started, *(first for first, _ in owners[1:]))
    ends = (*(last for _, last in owners[:-1]), ended_at)
    return tuple((start, max(start, end)) for start, end in zip(starts, ends, strict=True))


def covered(spans: list[Span]) -> float:
    """Seconds in which at least one of the spans was under way."""
    total, reached = 0.0, float("-inf")
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total
