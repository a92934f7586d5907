"""Shares are exact: nothing is lost, nothing is added, and weights are kept to the token."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from hekaton_runtime.strategies.budgets import WEIGHTS, shares, weight

weights = st.lists(st.sampled_from([number for _, number in WEIGHTS]), min_size=1, max_size=80)


@given(total=st.integers(0, 10**15), parts=weights)
def test_shares_make_up_the_whole(total: int, parts: list[int]) -> None:
    assert sum(shares(total, parts)) == total


@given(total=st.integers(0, 10**15), parts=weights)
def test_a_share_is_its_weight_s_part_to_within_one(total: int, parts: list[int]) -> None:
    whole = sum(parts)
    for one, got in zip(parts, shares(total, parts), strict=True):
        assert abs(got - Fraction(total * one, whole)) < 1


@given(total=st.integers(0, 10**9), parts=weights)
def test_a_heavier_task_never_gets_less(total: int, parts: list[int]) -> None:
    got = sorted(zip(parts, shares(total, parts), strict=True))
    lightest = {one: min(share for w, share in got if w == one) for one in parts}
    heaviest = {one: max(share for w, share in got if w == one) for one in parts}
    assert all(heaviest[low] <= lightest[high] for low in parts for high in parts if low < high)


def test_the_weights_are_those_of_the_origin() -> None:
    assert (weight("LOW"), weight("MEDIUM"), weight("HIGH")) == (8, 10, 15)


def test_nobody_to_share_among_gets_nothing() -> None:
    assert shares(10, ()) == ()
