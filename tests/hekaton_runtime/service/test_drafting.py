"""What a client does not say has a defined value."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hekaton_api.mission import Mode
from hekaton_runtime.cli.documents import formation_named
from hekaton_runtime.errors import BadInput
from hekaton_runtime.service.desk import Submission
from hekaton_runtime.service.drafting import FEW, UNCHECKED, Drafter, most_usd, thrifty

FORMATION = formation_named("simulated")


def test_a_task_without_acceptance_is_accepted_by_a_command_that_says_so(drafter: Drafter) -> None:
    assert drafter.draft(Submission("x", 1), 0).mission.spec.acceptance.commands == (UNCHECKED,)


@pytest.mark.parametrize(
    ("tokens", "mode", "expected"),
    [(FEW, None, "hierarchical"), (FEW - 1, None, "single"), (FEW - 1, "flat", "flat")],
)
def test_a_budget_too_small_for_a_hierarchy_goes_to_one_worker(
    drafter: Drafter, tokens: int, mode: Mode | None, expected: str
) -> None:
    wanted = replace(Submission("x", tokens), mode=mode)
    assert drafter.draft(wanted, 0).mission.spec.mode == expected


def test_a_mode_that_the_formation_cannot_work_in_is_refused(drafter: Drafter) -> None:
    team = formation_named("local-endpoint")
    with pytest.raises(BadInput, match="needs the role"):
        replace(drafter, formation=team).draft(Submission("x", FEW), 0)


@given(st.integers(1, 10**9), st.floats(0, 1))
def test_tokens_bind_before_money_does(tokens: int, share: float) -> None:
    prices = [model.price for model in FORMATION.spec.models]
    prompt = int(tokens * share)
    for price in prices:
        micros = price.input_micros * prompt + price.output_micros * (tokens - prompt)
        assert micros / 1e12 <= float(most_usd(FORMATION, tokens))


def test_answers_of_a_small_budget_are_short_and_of_a_large_one_as_the_formation_says() -> None:
    small, large = thrifty(FORMATION, 5000), thrifty(FORMATION, 10**6)
    assert {role.max_tokens for role in small.spec.roles} == {625}
    assert large == FORMATION
