"""Who hears whom, for every topology and size of debate."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hekaton_runtime.strategies.topology import hears, turns
from hekaton_runtime.strategies.values import Topology

TOPOLOGIES: tuple[Topology, ...] = get_args(Topology)
anywhere = given(topology=st.sampled_from(TOPOLOGIES), seats=st.integers(1, 26))


@anywhere
def test_nobody_hears_itself_or_a_stranger(topology: Topology, seats: int) -> None:
    for seat in range(seats):
        heard = hears(topology, seat, seats)
        assert set(heard) <= set(range(seats)) - {seat}
        assert list(heard) == sorted(set(heard))


@anywhere
def test_everybody_speaks_once_a_round(topology: Topology, seats: int) -> None:
    assert sorted(seat for group in turns(topology, seats) for seat in group) == list(range(seats))


@given(seats=st.integers(2, 26))
def test_in_a_ring_each_hears_one_and_is_heard_by_one(seats: int) -> None:
    heard = [hears("ring", seat, seats) for seat in range(seats)]
    assert sorted(heard) == [(seat,) for seat in range(seats)]


@given(seats=st.integers(2, 26))
def test_a_star_has_one_hub(seats: int) -> None:
    assert len(hears("star", 0, seats)) == seats - 1
    assert {hears("star", seat, seats) for seat in range(1, seats)} == {(0,)}


@given(seats=st.integers(2, 26))
def test_red_and_blue_hear_each_other_and_nobody_is_left_alone(seats: int) -> None:
    for seat in range(seats):
        heard = hears("pairs", seat, seats)
        assert 1 <= len(heard) <= 2
        assert all(seat in hears("pairs", other, seats) for other in heard)
    assert sum(len(hears("pairs", seat, seats)) == 2 for seat in range(seats)) in (0, 3)


@given(seats=st.integers(1, 26))
def test_in_a_pipeline_each_hears_the_one_before_who_has_spoken_already(seats: int) -> None:
    order = [seat for group in turns("pipeline", seats) for seat in group]
    for place, seat in enumerate(order):
        assert hears("pipeline", seat, seats) == tuple(order[place - 1 : place] if place else ())


@pytest.mark.parametrize("seats", [1, 2, 5])
def test_all_to_all_is_everybody_else(seats: int) -> None:
    assert [len(hears("all-to-all", seat, seats)) for seat in range(seats)] == [seats - 1] * seats
