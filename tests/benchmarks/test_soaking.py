"""A soak's plans come from the seed alone, and its audit finds what is wrong with a ledger."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from soaking.audits import disagreement, tokens
from soaking.plans import APART_BY, LOSING, LOSING_FAULTS, MOST_LOSING, SPOILED, drawn, quiet
from soaking.tally import Tally, tables

SEEDS = st.integers(0, 2**32)


def call(state: str, prompt: int = 70, completion: int = 30, **more: Any) -> dict[str, Any]:
    usual = {"model": "m", "reserved_tokens": 500, "estimated": False}
    return {
        **usual,
        "state": state,
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        **more,
    }


def bill(prompt: int = 70, completion: int = 30) -> dict[str, Any]:
    return {"model": "m", "prompt_tokens": prompt, "completion_tokens": completion}


@given(st.integers(0, 999), SEEDS)
def test_the_same_seed_and_number_give_the_same_plan(number: int, seed: int) -> None:
    assert drawn(number, seed) == drawn(number, seed)


@given(st.integers(0, 999), SEEDS)
def test_a_plan_never_loses_a_question_until_it_is_given_up_by_right(
    number: int, seed: int
) -> None:
    plan = drawn(number, seed)
    lost = sum(blow.kind in LOSING for blow in plan.blows)
    faults = sum(kind in LOSING_FAULTS for _, kind in plan.spoiled)
    assert lost <= max(0, MOST_LOSING - faults)
    assert plan.apart or not any(blow.kind in LOSING for blow in plan.blows)
    at = [number for number, _ in plan.spoiled]
    assert all(later - sooner > APART_BY for sooner, later in zip(at, at[1:], strict=False))


def test_an_hour_meets_every_kind_of_fault() -> None:
    plans = [drawn(number, 1) for number in range(100)]
    assert {kind for plan in plans for _, kind in plan.spoiled} == set(SPOILED)
    assert len({blow.kind for plan in plans for blow in plan.blows}) == 9


def test_an_undisturbed_plan_does_nothing() -> None:
    plan = quiet(0, "extend-tally", True)
    assert (plan.blows, plan.faults.faults, plan.hangs) == ((), (), False)


def test_a_bill_that_is_settled_or_covered_is_in_order() -> None:
    calls = [call("settled"), call("unknown", 0, 0), call("released", 0, 0)]
    assert disagreement([bill()], calls) == []
    assert disagreement([bill(), bill(400, 99)], calls) == []


def test_what_was_settled_and_never_billed_is_found() -> None:
    assert "never billed" in disagreement([], [call("settled")])[0]


def test_a_bill_beyond_the_ledger_is_found() -> None:
    assert "beyond the settled calls" in disagreement([bill(), bill()], [call("settled")])[0]
    assert disagreement([bill(400, 101)], [call("unknown", 0, 0)]) != []


def test_tokens_are_what_was_settled_or_what_stays_reserved() -> None:
    calls = [call("settled"), call("unknown", 0, 0), call("released")]
    assert (tokens(calls, "settled"), tokens(calls, "unknown")) == (100, 500)


def test_the_tables_count_the_most_frequent_first() -> None:
    tally = Tally(missions=3)
    tally.blows.update({"kill agent": 1, "kill broker": 2})
    blows = tables(tally)[1]
    assert blows.rows == (("kill broker", "2"), ("kill agent", "1"))
