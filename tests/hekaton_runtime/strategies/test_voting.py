"""Modes `vote` and `flat`, and how `single` and `swarm` stop going in circles."""

from typing import Any

import pytest

from hekaton_runtime.answers import FileChange, Patch
from hekaton_runtime.effects import Ask, Merge, Note
from hekaton_runtime.results import Failed


def by_sample(*contents: str) -> Any:
    def script(ask: Ask) -> Patch | None:
        if ask.answer != "patch":
            return None
        number = ask.sample // 3  # each sample may ask three times
        return Patch(files=(FileChange(path="a.py", content=contents[number]),))

    return script


def test_what_passes_beats_what_is_more_common(stage: Any) -> None:
    on = stage(by_sample("wrong", "wrong", "wrong", "right", "wrong"))
    end = on.run("vote")
    assert (end.outcome, end.reason) == (
        "passed",
        "1 of 5 samples passed acceptance; 1 of those agree",
    )
    assert on.branches["result"] == {"a.py": "right"}
    assert [task.status for task in end.tasks].count("unused") == 4


def test_where_none_passes_the_majority_is_left_and_the_failure_is_honest(stage: Any) -> None:
    on = stage(by_sample("x", "y", "y # same", "y", "z"))
    end = on.run("vote")
    assert (end.outcome, end.branch) == ("failed", "build")
    assert on.branches["build"] == {"a.py": "y"}
    assert end.reason == "none of 5 samples passes acceptance"


def test_samples_are_independent(stage: Any) -> None:
    on = stage()
    on.run("vote", samples=7)
    asks = on.asked("build")
    assert len({ask.sample for ask in asks}) == len(asks) == 7
    assert {ask.agent for ask in asks} == {"s1", "s2"}


def test_the_budget_decides_how_many_samples_there_are(stage: Any) -> None:
    on = stage(cap=900)
    end = on.run("vote", samples=9)
    assert end.outcome == "passed"
    assert 1 <= sum(task.branch != "" for task in end.tasks) < 9


def test_no_money_for_any_sample_is_a_stop_and_not_a_failure(stage: Any) -> None:
    end = stage(cap=10).run("vote")
    assert end.outcome == "stopped"
    assert end.reason.startswith("budget: ")


def test_a_mute_sample_is_missing_and_nothing_more(stage: Any) -> None:
    def script(ask: Ask) -> Failed | None:
        return Failed(kind="rejected", detail="no") if ask.sample < 3 else None

    end = stage(script).run("vote")
    assert [task.status for task in end.tasks].count("failed") == 1
    assert end.outcome == "passed"


def test_flat_has_no_manager_no_audit_and_runs_what_can_run_at_once(stage: Any) -> None:
    on = stage()
    end = on.run("flat")
    assert {ask.agent for ask in on.asked("build", "scaffold", "audit", "charter")} == {"s1", "s2"}
    assert (end.outcome, end.reviewed) == ("passed", False)
    assert [task.task.id for task in end.tasks] == ["a", "b", "c"]


@pytest.mark.parametrize("mode", ["single", "flat", "swarm"])
def test_the_same_patch_three_times_ends_the_mission(stage: Any, mode: str) -> None:
    same = Patch(files=(FileChange(path="a.py", content="as ever"),))
    other = Patch(files=(FileChange(path="a.py", content="else"),))

    def script(ask: Ask) -> Patch | None:
        if ask.answer != "patch":
            return None
        return same if ask.brief.step == "repair" or mode == "single" else other

    end = stage(script).run(mode, max_loops=9)
    assert end.outcome == "failed"
    assert end.reason in ("stuck: no change in 2 loops", "stuck: the same patch 3 times")


def test_an_unchanged_tree_is_not_judged_again_and_the_builder_is_told(stage: Any) -> None:
    wrong = Patch(files=(FileChange(path="a.py", content="wrong"),))

    def script(ask: Ask) -> Patch | None:
        third = any("left every file as it was" in one.text for one in ask.brief.findings)
        return None if third else wrong

    on = stage(script)
    end = on.run("single", max_loops=3)
    assert (end.outcome, len(end.loops), on.tests) == ("passed", 2, 2)


def test_two_patches_in_turn_are_ping_pong(stage: Any) -> None:
    def script(ask: Ask) -> Patch:
        text = "odd" if (ask.sample // 6) % 2 else "even"  # two tries of three questions a loop
        return Patch(files=(FileChange(path="a.py", content=text),))

    end = stage(script).run("single", max_loops=9)
    assert end.reason == "stuck: two patches in turn, twice over"


def test_a_vote_ends_with_one_branch_as_the_result(stage: Any) -> None:
    on = stage()
    on.run("vote")
    merges = [(one.source, one.into) for one in on.seen if isinstance(one, Merge)]
    assert merges == [("base", "build"), ("try/sample-1", "build"), ("build", "result")]
    assert [one.phase for one in on.seen if isinstance(one, Note)] == ["build", "verify"]
