"""A report with something in every field, and one with nothing in most."""

import pytest

from hekaton_runtime.brief import Finding
from hekaton_runtime.journal.entries import Label
from hekaton_runtime.report.values import (
    Account,
    Artifact,
    Budget,
    CostLine,
    Debate,
    DebateRound,
    NextStep,
    Phase,
    Proposal,
    Savings,
    Score,
    Scores,
    Sitrep,
    TaskLine,
    ToolLine,
    VerifyRun,
)

START = 1_800_000_000.0
DEBATE = Debate(
    topic="approach",
    rounds=(
        DebateRound(
            (Proposal("A", "SIMULATED use +", 2, False), Proposal("B", "SIMULATED use sum", 1)),
            winner="A",
        ),
        DebateRound(
            (
                Proposal("A", "SIMULATED use the + operator", 1),
                Proposal("B", "SIMULATED use sum((a, b)) [see](http://x.example)", 2, True),
            ),
            winner="B",
        ),
    ),
    winner="B",
    plain_vote="A",
    effect="changed wrong to right",
    why="consensus: all ballots for one",
    topology="ring",
    arbiter="ballot",
)
ARTIFACT = Artifact(
    "result", "0123456789abcdef0123456789abcdef01234567", "out/sums.patch", "out/sums.bundle"
)
LABELS = (
    Label(code="FM-1.3", name="step repetition", text="the same patch was written 3 times"),
    Label(code="FM-2.5", name="ignored other agent's input", text="in 1 repair # no heading"),
)
SCORES = Scores(
    parts=(
        Score("correctness", 8, 0.4),
        Score("style", 7, 0.2),
        Score("security", 5, 0.2, 9, ("bandit",)),
        Score("test coverage", 6, 0.2),
    ),
    weighted=6.8,
    pass_score=6.5,
)
TOOLS = (
    ToolLine("ruff", "ran", ""),
    ToolLine(
        "bandit",
        "ran",
        "1 changed file was not looked at",
        (
            Finding(
                text="B307 Use of <eval> | insecure", file="sums.py", line=3, evidence="eval(`a`)"
            ),
        ),
        more=2,
    ),
    ToolLine("mypy", "absent", "mypy is not installed where commands run."),
)


@pytest.fixture
def full() -> Sitrep:
    return Sitrep(
        mission="ms-0001",
        name="sums",
        goal="Write `add(a, b)` in sums.py.\n```\n# not a heading\n```",
        formation="simulated",
        mode="swarm",
        outcome="passed",
        reason="All 2 acceptance commands pass and the review is 6.80 (needs 6.50).",
        simulated=True,
        unsafe_no_sandbox=True,
        started=START,
        ended=START + 72.4,
        phases=(
            Phase("discover", START, START + 9.94),
            Phase("build", START + 10, START + 72),
            Phase("report", START + 72, None),
        ),
        debate=DEBATE,
        tasks=(
            TaskLine("sums", "Write add | and its tests", "merged", 2, "task/sums"),
            TaskLine("docs", "Describe add", "waiting", 0, ""),
        ),
        verify=(
            VerifyRun("python -m pytest -q", False, 1.26, "F\n1 failed"),
            VerifyRun("python -c 'import sums' | cat", True, 0.31, "2 passed\n```\n# forged"),
        ),
        scores=SCORES,
        findings=(
            Finding(
                text="add accepts <b>strings</b>",
                file="sums.py",
                line=2,
                severity="low",
                evidence="add('1', '2')",
            ),
            Finding(text="README.md is silent about add"),
        ),
        cost_by_model=(
            CostLine("simulated/strong", 9, 12_345, 6_789, 4_321, unknown_calls=1),
            CostLine("simulated/fast", 4, 3_210, 987, 123, estimated_calls=2),
        ),
        cost_by_role=(CostLine("sapper", 13, 15_555, 7_776, 4_444, 2, 1),),
        budget=Budget(
            tokens=Account(1_200_000, 23_331, 1_176_669),
            micros=Account(2_500_000, 4_444, 2_495_556),
        ),
        savings=Savings(1_234, "all calls to simulated/strong"),
        artifact=ARTIFACT,
        replay="hekaton replay ms-0001",
        next_steps=(
            NextStep("Look at the patch, then apply it:", "git apply out/sums.patch"),
            NextStep("Decide on the two open findings."),
        ),
        choice="vote: acceptance can tell right from wrong",
        labels=LABELS,
        tools=TOOLS,
    )


@pytest.fixture
def bare() -> Sitrep:
    return Sitrep(
        mission="ms-0002",
        name="sums",
        goal="Write add.",
        formation="local",
        mode="single",
        outcome="stopped",
        reason="Stopped by the kill switch.",
        simulated=False,
        unsafe_no_sandbox=False,
        started=START,
        ended=START + 0.4,
        phases=(),
        debate=None,
        tasks=(),
        verify=(),
        scores=None,
        findings=(),
        cost_by_model=(),
        cost_by_role=(),
        budget=Budget(tokens=Account(1000, 0, 1000), micros=Account(1_000_000, 0, 1_000_000)),
        savings=None,
        artifact=None,
        replay="hekaton replay ms-0002",
        next_steps=(),
    )
