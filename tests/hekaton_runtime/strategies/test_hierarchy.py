"""Mode `hierarchical`: brief, rated DAG, budgets, interruption, reduce."""

from collections.abc import Callable
from typing import Any

import pytest

from hekaton_runtime.answers import Charter, FileChange, Patch, RatedTask
from hekaton_runtime.effects import Ask, Note, Share
from hekaton_runtime.results import Answer, Ran
from hekaton_runtime.strategies.charters import charter_faults, width
from hekaton_runtime.strategies.interrupting import limit, partial
from hekaton_runtime.strategies.values import Seat


def task(
    name: str, *needs: str, complexity: Any = "MEDIUM", files: tuple[str, ...] = ()
) -> RatedTask:
    return RatedTask(
        id=name,
        goal=f"do {name}",
        needs=needs,
        files=files or (f"{name}.py",),
        complexity=complexity,
    )


def planned(*tasks: RatedTask) -> Callable[[Ask], Any]:
    return lambda ask: Charter(brief="short", tasks=tasks) if ask.answer == "charter" else None


def is_for(name: str) -> Callable[[Ask], bool]:
    return lambda ask: ask.brief.task.startswith(f"do {name}\n")


def test_workers_get_the_brief_and_never_the_other_tasks(stage: Any) -> None:
    on = stage(planned(task("a"), task("b")))
    end = on.run("hierarchical")
    assert end.outcome == "passed"
    for ask in on.asked("build"):
        assert ask.brief.notes == ("Brief: short",)


def test_only_hard_tasks_think_before_they_write(stage: Any) -> None:
    on = stage(planned(task("a", complexity="LOW"), task("b"), task("c", complexity="HIGH")))
    on.run("hierarchical")
    assert {ask.brief.task[3]: ask.answer for ask in on.asked("build")} == {
        "a": "patch", "b": "patch", "c": "reasoned",
    }  # fmt: skip


def test_easy_tasks_go_to_the_cheap_builder_and_hard_ones_to_the_strong(stage: Any) -> None:
    hard = [task(f"h{n}", complexity="HIGH") for n in range(3)]
    easy = [task(f"e{n}", complexity="LOW") for n in range(3)]
    on = stage(planned(*hard, *easy))
    on.run("hierarchical")
    seats = {(ask.brief.task[3], ask.agent) for ask in on.asked("build")}
    assert seats == {("h", "s2"), ("e", "s1")}


@pytest.mark.parametrize(("edition", "easy"), [(4, "x"), (3, "s1")])
def test_an_executor_takes_the_easy_tasks_of_missions_begun_since_there_was_work_for_it(
    stage: Any, edition: int, easy: str
) -> None:
    tasks = (task("low", complexity="LOW"), task("high", complexity="HIGH"), task("mid"))
    on = stage(planned(*tasks))
    on.edition, on.seats = edition, (*on.seats, Seat("x", "executor", "large", "m2", 99))
    on.run("hierarchical")
    seats = {ask.brief.task.split()[1]: ask.agent for ask in on.asked("build")}
    assert (seats["low"], seats["high"]) == (easy, "s2")
    assert seats["mid"] in ("s1", "s2")


def test_a_task_starts_when_its_own_needs_are_met(stage: Any) -> None:
    slow = is_for("slow")
    on = stage(
        planned(task("slow"), task("quick"), task("after", "quick")),
        lag=lambda ask: 0.03 if slow(ask) else 0.0,
        base=("slow.py", "quick.py", "after.py"),
    )
    end = on.run("hierarchical")
    assert [one.task.id for one in end.tasks] == ["quick", "after", "slow"]


def test_a_barrier_holds_a_wave_back_until_the_one_before_has_ended(stage: Any) -> None:
    slow = is_for("slow")
    on = stage(
        planned(task("slow"), task("quick"), task("after", "quick")),
        lag=lambda ask: 0.03 if slow(ask) else 0.0,
        base=("slow.py", "quick.py", "after.py"),
    )
    end = on.run("hierarchical", barrier=True)
    assert [one.task.id for one in end.tasks] == ["quick", "slow", "after"]


def test_budgets_are_shared_by_weight_and_anew_after_each_wave(stage: Any) -> None:
    on = stage(planned(task("a", complexity="LOW"), task("b", "a", complexity="HIGH")), cap=10_000)
    on.run("hierarchical")
    first, second = [one for one in on.seen if isinstance(one, Share)]
    assert [(one.account, one.weight) for one in first.portions] == [
        (("task-a",), 8), (("task-b",), 15), (("reduce",), 15),
    ]  # fmt: skip
    assert [one.account for one in second.portions] == [("task-b",), ("reduce",)]


def test_a_task_without_money_fails_and_its_mission_goes_on(stage: Any) -> None:
    tasks = [task(f"t{n}", complexity="LOW") for n in range(30)]
    on = stage(planned(*tasks), cap=6_000)
    end = on.run("hierarchical", max_loops=0, attempts=1)
    poor = [one for one in end.tasks if one.why.startswith("budget: ")]
    assert poor
    assert end.outcome in ("failed", "stopped")


def test_a_worker_that_never_ends_is_stopped_and_another_gets_its_partial_work(stage: Any) -> None:
    def lag(ask: Ask) -> float:
        return (
            60.0
            if is_for("stuck")(ask) and not any("stopped" in n for n in ask.brief.notes)
            else 0.0
        )

    on = stage(planned(task("quick"), task("stuck")), lag=lag, base=("quick.py", "stuck.py"))
    end = on.run("hierarchical", grace=0.02)
    assert [(one.task.id, one.status) for one in end.tasks] == [
        ("quick", "merged"), ("stuck", "stopped"), ("2nd-stuck", "merged"),
    ]  # fmt: skip
    assert end.outcome == "passed"
    assert "late" in end.tasks[1].why


def test_a_task_is_given_up_when_its_second_worker_is_late_too(stage: Any) -> None:
    lag = is_for("stuck")
    on = stage(
        planned(task("quick"), task("stuck"), task("after", "stuck")), lag=lambda a: 60.0 * lag(a)
    )
    end = on.run("hierarchical", grace=0.02, max_loops=0)
    assert [one.status for one in end.tasks] == ["merged", "stopped", "stopped", "merged"]


def test_workers_are_stopped_when_acceptance_passes_without_them(stage: Any) -> None:
    on = stage(
        planned(task("a"), task("b", "a"), task("slow", "a"), task("never", "slow")),
        lag=lambda ask: 60.0 * is_for("slow")(ask),
    )
    on.accept = lambda tree: tree.get("a.py") == "right"
    end = on.run("hierarchical")
    assert end.outcome == "passed"
    assert {one.task.id: one.status for one in end.tasks}["slow"] == "stopped"
    assert {one.task.id: one.status for one in end.tasks}["never"] == "stopped"
    notes = [one.text for one in on.seen if isinstance(one, Note)]
    assert "slow stopped: acceptance passes without it" in notes


def test_acceptance_that_passed_from_the_start_stops_nobody(stage: Any) -> None:
    on = stage(planned(task("a"), task("b", "a"), task("c", "b")))
    on.accept = lambda tree: True
    end = on.run("hierarchical")
    assert [one.status for one in end.tasks] == ["merged"] * 3


def test_the_next_brief_knows_findings_outcomes_and_partial_work(stage: Any) -> None:
    on = stage(planned(task("a")), right=lambda ask: "1-a" in str(ask.account))
    end = on.run("hierarchical")
    assert end.outcome == "passed"
    (reduce,) = on.asked("reduce")
    assert reduce.brief.findings[0].text.startswith("`make test` failed")
    assert any(note.startswith("Task a (do a): merged") for note in reduce.brief.notes)
    assert [one.task.id for one in end.tasks] == ["a", "1-a"]


def test_loops_that_change_nothing_end_the_mission(stage: Any) -> None:
    same = Patch(files=(FileChange(path="a.py", content="as ever"),))
    on = stage(lambda ask: same if ask.answer == "patch" else planned(task("a"))(ask))
    end = on.run("hierarchical", max_loops=9)
    assert end.reason.startswith("stuck: ")
    assert len(on.asked("reduce")) <= 2


def test_a_hierarchy_without_an_auditor_says_that_nobody_reviewed(stage: Any, seats: Any) -> None:
    end = stage(seats=tuple(one for one in seats if one.role != "auditor")).run("hierarchical")
    assert (end.outcome, end.reviewed, end.reason) == ("passed", False, "acceptance passed")


@pytest.mark.parametrize(
    ("tasks", "said"),
    [
        ((task("a", "b"), task("b", "a")), "wait for each other"),
        ((task("a", "ghost"),), "needs 'ghost', which is no task"),
        (
            (task("a", files=("x",)), task("b", files=("x",))),
            "both write x and neither needs the other",
        ),
        ((task("a", files=("x",)), task("b", "a", files=("x",))), ""),
    ],
    ids=["cycle", "dangling", "overlap", "overlap in order"],
)
def test_a_charter_is_a_plan_without_overlap(tasks: tuple[RatedTask, ...], said: str) -> None:
    faults = charter_faults(Charter(brief="b", tasks=tasks))
    assert said in faults
    assert bool(faults) == bool(said)


def test_the_width_of_a_plan_is_what_can_run_at_once() -> None:
    assert width((task("a"), task("b", "a"), task("c", "b"))) == 1
    assert width((task("a"), task("b", "a"), task("c", "a"), task("d", "b", "c"))) == 2


def test_a_partial_result_is_the_last_patch_and_what_was_seen_of_it() -> None:
    had = (
        Answer(text='{"files": [{"path": "a.py", "content": "half"}]}', agent="s", model="m", tokens=1, micros=0),
        Ran(passed=False, command="make a", exit_code=2, output="boom", seconds=1.0),
    )  # fmt: skip
    kept = partial("a", had)
    assert "half" in kept
    assert "boom" in kept
    assert "had written nothing" in partial("a", ())


def test_a_worker_counts_as_late_only_beyond_its_siblings_and_the_grace() -> None:
    assert limit(longest=1.0, grace=60.0) == 60.0
    assert limit(longest=100.0, grace=60.0) == 400.0
