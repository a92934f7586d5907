"""A plan takes as long as its longest chain: in virtual time the scheduling itself adds nothing at all."""

import asyncio
from collections.abc import Callable
from graphlib import TopologicalSorter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hekaton_runtime.answers import Charter, Plan, RatedTask, Task
from hekaton_runtime.effects import Ask


def scripted(tasks: tuple[RatedTask, ...]) -> Callable[[Ask], Any]:
    plain = tuple(Task(id=t.id, goal=t.goal, files=t.files, needs=t.needs) for t in tasks)

    def script(ask: Ask) -> Any:
        if ask.answer == "charter":
            return Charter(brief="b", tasks=tasks)
        return Plan(summary="s", tasks=plain) if ask.answer == "plan" else None

    return script


def plan_of(needs: list[set[int]]) -> tuple[RatedTask, ...]:
    return tuple(
        RatedTask(
            id=f"t{n}",
            goal=f"do t{n}",
            files=(f"t{n}.py",),
            needs=tuple(f"t{i}" for i in sorted(wanted) if i < n),
        )
        for n, wanted in enumerate(needs)
    )


def longest(tasks: tuple[RatedTask, ...], seconds: dict[str, float]) -> float:
    """The critical path."""
    ends: dict[str, float] = {}
    needs = {task.id: task.needs for task in tasks}
    for name in TopologicalSorter(needs).static_order():
        ends[name] = seconds[name] + max((ends[need] for need in needs[name]), default=0.0)
    return max(ends.values())


def wall(stage: Any, mode: str, tasks: tuple[RatedTask, ...], seconds: dict[str, float]) -> float:
    """From the first question to the last answer of the plan's workers."""
    spans: list[tuple[float, float]] = []

    def lag(ask: Ask) -> float:
        if ask.brief.step != "build":
            return 0.0
        now, took = asyncio.get_running_loop().time(), seconds[ask.brief.task.split()[1]]
        spans.append((now, now + took))
        return took

    on = stage(scripted(tasks), lag=lag, base=tuple(f"{task.id}.py" for task in tasks))
    assert on.run(mode, grace=10_000.0).outcome == "passed"
    assert len(spans) == len(tasks)
    return max(end for _, end in spans) - min(start for start, _ in spans)


graphs = st.integers(1, 14).flatmap(
    lambda n: st.lists(st.sets(st.integers(0, n - 1), max_size=3), min_size=n, max_size=n)
)


@pytest.mark.parametrize("mode", ["flat", "hierarchical"])
@settings(max_examples=25)
@given(needs=graphs, pace=st.lists(st.integers(1, 9), min_size=14, max_size=14))
def test_a_plan_takes_as_long_as_its_longest_chain(
    stage: Any, mode: str, needs: list[set[int]], pace: list[int]
) -> None:
    tasks = plan_of(needs)
    seconds = {task.id: float(pace[n]) for n, task in enumerate(tasks)}
    assert wall(stage, mode, tasks, seconds) == pytest.approx(longest(tasks, seconds))
