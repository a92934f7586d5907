"""Pure helpers of the strategies."""

from hypothesis import given
from hypothesis import strategies as st

from hekaton_runtime.answers import Task
from hekaton_runtime.strategies.steps import depths, plan_faults


def task(name: str, *needs: str) -> Task:
    return Task(id=name, goal="g", needs=needs)


def test_a_plan_with_doubled_dangling_and_circular_tasks_names_all_faults() -> None:
    said = plan_faults((task("a", "b"), task("b", "a"), task("a", "ghost")))
    assert "'a' occurs twice" in said
    assert "needs 'ghost', which is no task" in said


def test_a_cycle_is_told_with_its_members() -> None:
    said = plan_faults((task("a", "b"), task("b", "a")))
    assert "wait for each other" in said


def test_a_task_cannot_take_the_name_of_a_repair() -> None:
    assert "'repair-1' is taken" in plan_faults((task("repair-1"),))


def test_a_good_plan_has_no_faults() -> None:
    assert plan_faults((task("a"), task("b", "a"))) == ""


@given(
    st.integers(1, 30).flatmap(
        lambda n: st.lists(st.sets(st.integers(0, n - 1), max_size=3), min_size=n, max_size=n)
    )
)
def test_a_task_lies_in_a_later_wave_than_all_it_needs(needs: list[set[int]]) -> None:
    tasks = tuple(
        task(f"t{i}", *(f"t{j}" for j in sorted(wanted) if j < i)) for i, wanted in enumerate(needs)
    )
    assert plan_faults(tasks) == ""
    wave = depths(tasks)
    assert all(wave[one.id] > wave[need] for one in tasks for need in one.needs)
    assert min(wave.values()) == 1
