"""The review gate: tools before auditors, grades below the evidence, findings back to the builders."""

from typing import Any

import pytest

from hekaton_runtime.answers import Review
from hekaton_runtime.brief import Finding
from hekaton_runtime.effects import Ask, Examine, Run
from hekaton_runtime.results import ToolReport

PRAISE = Review(correctness=10, style=10, security=10, test_coverage=10, summary="perfect")
BAD = ToolReport(
    tool="bandit",
    state="ran",
    findings=(Finding(text="B602 shell", file="a.py", line=3, severity="high", evidence="x"),),
)
UNRUN = ToolReport(tool="coverage", state="ran", lines=10, covered=0, detail="runs 0 of 10")


@pytest.mark.parametrize("mode", ["swarm", "hierarchical"])
def test_tools_look_after_acceptance_and_before_the_auditor(stage: Any, mode: str) -> None:
    world = stage()
    end = world.run(mode)
    kinds = [type(one) for one in world.seen]
    order = [
        one
        for one in world.seen
        if isinstance(one, Examine)
        or (isinstance(one, Run) and one.acceptance)
        or (isinstance(one, Ask) and one.brief.step == "audit")
    ]
    assert [type(one) for one in order[-3:]] == [Run, Examine, Ask]
    assert kinds.count(Examine) == 1
    assert end.reviewed


def test_what_fails_acceptance_is_neither_examined_nor_audited_and_cannot_pass(stage: Any) -> None:
    world = stage(right=lambda ask: False)
    end = world.run("swarm", max_loops=1)
    assert end.outcome == "failed"
    assert not [one for one in world.seen if isinstance(one, Examine)]
    assert not world.asked("audit")


def test_praise_does_not_lift_a_grade_above_the_evidence(stage: Any) -> None:
    world = stage(lambda ask: PRAISE if ask.answer == "review" else None)
    world.reports = {"bandit": BAD, "coverage": UNRUN}
    end = world.run("swarm", pass_score=5.0)
    loop = end.loops[-1]
    assert (loop.review.security, loop.review.test_coverage) == (2, 0)
    assert loop.given == PRAISE
    assert loop.score == 6.4


def test_findings_of_tools_go_back_to_the_builder_with_their_evidence(stage: Any) -> None:
    world = stage(lambda ask: PRAISE if ask.answer == "review" else None)
    world.reports = {"bandit": BAD}
    end = world.run("swarm", pass_score=9.0, max_loops=1)
    assert end.outcome == "failed"
    told = world.asked("repair")[0].brief.findings
    assert told[0] == Finding(
        text="bandit: B602 shell", file="a.py", line=3, severity="high", evidence="x"
    )


def test_the_auditor_reads_what_each_tool_said(stage: Any) -> None:
    world = stage()
    world.reports = {"bandit": BAD, "mypy": ToolReport(tool="mypy", state="absent", detail="gone")}
    world.run("swarm", pass_score=0.0)
    brief = world.asked("audit")[0].brief
    assert "Tool mypy says nothing: gone." in brief.notes
    assert brief.findings[0].text == "bandit: B602 shell"


def test_an_empty_list_of_tools_leaves_acceptance_and_auditors(stage: Any) -> None:
    world = stage()
    end = world.run("swarm", tools=())
    assert not [one for one in world.seen if isinstance(one, Examine)]
    assert end.reviewed
