"""Mode `auto`: which observation leads to which mode, and that the mission says so."""

from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hekaton_runtime.answers import Charter, Complexity, RatedTask, Triage
from hekaton_runtime.effects import Ask, Note
from hekaton_runtime.strategies.auto import Features, choose
from hekaton_runtime.strategies.modes import NAMED

HARD = Features(
    complexity="HIGH", trivial=False, telling=True, width=1, whole=True, models=2, debaters=3, analyst=True
)  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "mode", "because"),
    [
        ({"whole": False}, "hierarchical", "larger than what one agent is shown"),
        ({"whole": False, "analyst": False}, "flat", "larger than what one agent is shown"),
        ({"trivial": True}, "single", "one agent will do"),
        ({"complexity": "LOW"}, "single", "rates it LOW"),
        ({"width": 4}, "hierarchical", "4 tasks can run at once"),
        ({}, "vote", "acceptance can tell right from wrong"),
        ({"telling": False}, "debate", "2 models can differ"),
        ({"telling": False, "models": 1}, "vote", "one model has nobody to argue with"),
        ({"telling": False, "debaters": 1}, "vote", "nobody to argue with"),
    ],
)
def test_an_observation_leads_to_a_mode(changes: Any, mode: str, because: str) -> None:
    choice = choose(replace(HARD, **changes))
    assert choice.mode == mode
    assert because in choice.why


@given(
    complexity=st.sampled_from((*get_args(Complexity), "")), trivial=st.booleans(), telling=st.booleans(),
    width=st.integers(0, 64), whole=st.booleans(), models=st.integers(0, 9), debaters=st.integers(0, 9),
    analyst=st.booleans(),
)  # fmt: skip
def test_every_task_gets_a_mode_that_its_team_can_work_in(**features: Any) -> None:
    seen = Features(**features)
    choice = choose(seen)
    assert choice.mode in NAMED
    assert choice.why
    assert seen.analyst or choice.mode != "hierarchical"
    assert seen.debaters > 1 or choice.mode != "debate"


def scripted(complexity: Any, tasks: tuple[RatedTask, ...]) -> Any:
    def script(ask: Ask) -> Any:
        if ask.answer == "triage":
            return Triage(trivial=False, complexity=complexity, reason="r")
        return Charter(brief="b", tasks=tasks) if ask.answer == "charter" else None

    return script


ONE = (RatedTask(id="a", goal="do a", files=("a.py",)),)


def test_the_choice_is_journaled_and_kept(stage: Any) -> None:
    on = stage(scripted("HIGH", ONE))
    end = on.run("auto")
    assert end.choice.mode == "vote"
    assert f"auto chose vote: {end.choice.why}" in [n.text for n in on.seen if isinstance(n, Note)]
    assert end.outcome == "passed"


def test_an_easy_task_is_not_planned_before_it_is_given_to_one_agent(stage: Any) -> None:
    on = stage(scripted("LOW", ONE))
    assert on.run("auto").choice.mode == "single"
    assert on.asked("charter") == []


def test_the_plan_that_led_to_a_hierarchy_is_not_paid_for_twice(stage: Any) -> None:
    on = stage()
    assert on.run("auto").choice.mode == "hierarchical"
    assert len(on.asked("charter")) == 1


def test_where_acceptance_passes_already_different_models_may_debate(stage: Any) -> None:
    on = stage(scripted("MEDIUM", ONE))
    on.accept = lambda tree: True
    assert on.run("auto").choice.mode == "debate"


def test_a_team_without_an_analyst_is_judged_by_acceptance_alone(stage: Any, seats: Any) -> None:
    team = tuple(one for one in seats if one.role != "analyst")
    on = stage(seats=team)
    assert on.run("auto").choice.mode == "vote"
