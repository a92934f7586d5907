"""What is made of results: pairs, areas, and verdicts that never say more than the data."""

from collections.abc import Callable
from xml.etree import ElementTree

import pytest

from hekaton_runtime.compare.analysis import analysed, weights
from hekaton_runtime.compare.picture import picture
from hekaton_runtime.compare.plan import Plan
from hekaton_runtime.compare.verdicts import SIMULATED, before, decision, verdict

Planned = Callable[..., Plan]
Resulted = Callable[..., tuple]  # type: ignore[type-arg]


def test_an_arm_that_wins_ten_tasks_and_loses_none_is_better(
    planned: Planned, resulted: Resulted
) -> None:
    plan = planned()
    one = [False] * 10 + [True] * 10
    seen = analysed(plan, resulted(plan, "single", one) + resulted(plan, "vote", [True] * 20))
    (contrast,) = seen.contrasts
    assert (contrast.won, contrast.lost, contrast.difference) == (10, 0, 0.5)
    assert contrast.p == pytest.approx(2 / 2**10)
    assert decision(plan, contrast) == "better"
    assert "more right on these tasks, +50.0 points" in verdict(plan, seen, False)[0]


def test_an_arm_that_loses_is_worse(planned: Planned, resulted: Resulted) -> None:
    plan = planned()
    seen = analysed(
        plan, resulted(plan, "single", [True] * 20) + resulted(plan, "vote", [False] * 20)
    )
    assert decision(plan, seen.contrasts[0]) == "worse"


def test_equal_results_of_few_tasks_are_inconclusive_and_of_many_equivalent(
    planned: Planned, resulted: Resulted
) -> None:
    for tasks, expected in ((20, "inconclusive"), (400, "equivalent")):
        plan = planned(tasks)
        right = [number % 2 == 0 for number in range(tasks)]
        seen = analysed(plan, resulted(plan, "single", right) + resulted(plan, "vote", right))
        assert decision(plan, seen.contrasts[0]) == expected


def test_what_is_inconclusive_says_what_remains_possible(
    planned: Planned, resulted: Resulted
) -> None:
    plan = planned(20)
    seen = analysed(
        plan, resulted(plan, "single", [True] * 20) + resulted(plan, "vote", [True] * 20)
    )
    (said,) = verdict(plan, seen, False)
    assert "INCONCLUSIVE" in said
    assert "True differences from -19.7 points to +19.7 points remain possible." in said


def test_only_the_last_cap_is_judged_and_holm_counts_its_arms(
    planned: Planned, resulted: Resulted
) -> None:
    plan = planned(20, ("single", "vote", "flat"), (1000, 2000))
    results = tuple(
        one
        for cap in plan.caps
        for arm in plan.arms
        for one in resulted(plan, arm, [arm != "single"] * 20, cap)
    )
    seen = analysed(plan, results)
    assert [one.adjusted is None for one in seen.contrasts] == [True, True, False, False]
    assert seen.contrasts[-1].adjusted == pytest.approx(2 * seen.contrasts[-1].p)


def test_a_run_that_is_not_whole_counts_whole_tasks_and_gives_no_verdict(
    planned: Planned, resulted: Resulted
) -> None:
    plan = planned(20)
    results = resulted(plan, "single", [True] * 20) + resulted(plan, "vote", [True] * 20)[:7]
    seen = analysed(plan, results)
    assert (seen.tasks, seen.complete) == (7, False)
    assert verdict(plan, seen, False) == (
        "PARTIAL: 7 of 20 tasks have ended in every arm; no verdict.",
    )


def test_a_mission_that_may_go_on_is_no_result_yet(planned: Planned, resulted: Resulted) -> None:
    plan = planned(3)
    results = resulted(plan, "single", [True] * 3) + resulted(plan, "vote", [True] * 3, resumable=True)  # fmt: skip
    assert analysed(plan, results).tasks == 0


def test_what_the_budget_stopped_is_judged_by_its_last_acceptance(
    planned: Planned, resulted: Resulted
) -> None:
    plan = planned(4)
    stopped = resulted(plan, "vote", [False] * 4, outcome="STOPPED", accepted=True)
    seen = analysed(plan, resulted(plan, "single", [False] * 4) + stopped)
    vote = next(one for one in seen.points if one.arm == "vote")
    assert (vote.right, vote.stopped) == (4, 4)


def test_runs_with_several_seeds_are_one_observation_a_task(
    planned: Planned, resulted: Resulted
) -> None:
    plan = planned(10, seeds=3)
    results = 3 * resulted(plan, "single", [False] * 10) + 3 * resulted(plan, "vote", [True] * 10)
    (contrast,) = analysed(plan, results).contrasts
    assert (contrast.won, contrast.difference) == (10, 1.0)
    assert contrast.p == pytest.approx(2 / 2**10)


def test_the_area_weighs_caps_by_their_logarithm_and_sees_where_lines_cross(
    planned: Planned, resulted: Resulted
) -> None:
    assert weights((10, 20, 40, 80)) == pytest.approx((1 / 6, 1 / 3, 1 / 3, 1 / 6))
    plan = planned(10, caps=(10, 20, 40, 80))
    results = tuple(
        one
        for cap in plan.caps
        for arm in plan.arms
        for one in resulted(plan, arm, [(arm == "vote") == (cap > 20)] * 10, cap)
    )
    (area,) = analysed(plan, results).areas
    assert area.difference == pytest.approx(0.0)
    assert area.crosses == (40,)


def test_what_is_decided_is_said_before_the_run(planned: Planned) -> None:
    said = " ".join(before(planned(82, ("single", "vote", "flat", "debate"))))
    assert "Detectable: 15.8 points or more" in said
    assert "Holm over 3 arms" in said
    assert "no difference, however large, can be found" in " ".join(before(planned(5)))


def test_simulated_stands_in_every_word_of_it(planned: Planned, resulted: Resulted) -> None:
    plan = planned(3, simulate=True)
    assert before(plan)[-1] == SIMULATED
    seen = analysed(plan, resulted(plan, "single", [True] * 3) + resulted(plan, "vote", [True] * 3))
    assert verdict(plan, seen, True)[-1] == SIMULATED


def test_the_picture_is_an_svg_with_a_line_an_arm(planned: Planned, resulted: Resulted) -> None:
    plan = planned(4, ("single", "a<b"), (1000, 2000))
    results = tuple(
        one
        for cap in plan.caps
        for arm in plan.arms
        for one in resulted(plan, arm, [True] * 4, cap)
    )
    text = picture(plan, analysed(plan, results), "small, SIMULATED models")
    root = ElementTree.fromstring(text)
    assert len(root.findall("{http://www.w3.org/2000/svg}polyline")) == 2
    assert "SIMULATED" in text


def test_where_all_tasks_say_the_same_no_interval_claims_to_know_it_exactly(
    planned: Planned, resulted: Resulted
) -> None:
    plan = planned(10, caps=(10, 20))
    results = tuple(
        one
        for cap in plan.caps
        for arm in plan.arms
        for one in resulted(plan, arm, [arm == "vote"] * 10, cap)
    )
    seen = analysed(plan, results)
    assert all(one.interval.low < one.difference == 1.0 for one in seen.contrasts)
    assert seen.areas[0].interval.low < 0.2
