"""The trellis code: Viterbi finds the best stream, and every state is read by itself."""

import itertools
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from hekaton_quant.errors import BadTensor
from hekaton_quant.tables import even_tables, mixed_tables
from hekaton_quant.training import first_tables, improved
from hekaton_quant.trellis import Trellis, spread

Gaussian = Callable[..., Tensor]


def small(bits: tuple[int, ...], memory: int = 5) -> Trellis:
    random = torch.Generator().manual_seed(0)
    return Trellis(bits, first_tables(set(bits), memory, random))


@given(st.integers(0, 700), st.integers(1, 256))
@settings(deadline=None)
def test_bits_are_spread_evenly_and_completely(total: int, coordinates: int) -> None:
    bits = spread(total, coordinates)
    assert sum(bits) == total
    assert len(bits) == coordinates
    assert max(bits) - min(bits) <= 1


def test_viterbi_finds_the_best_of_all_streams(gaussian: Gaussian) -> None:
    trellis = small((2, 1, 0, 3, 2))
    x = gaussian(6, 5)
    streams = torch.tensor(list(itertools.product((0, 1), repeat=8)), dtype=torch.uint8)
    errors = (trellis.decode(streams)[None] - x[:, None]).square().sum(dim=-1)
    found = (trellis.decode(trellis.encode(x)) - x).square().sum(dim=-1)
    torch.testing.assert_close(found, errors.amin(dim=1))


def test_a_path_is_read_back_from_its_stream(gaussian: Gaussian) -> None:
    trellis = small((3, 2, 0, 2, 1, 4), memory=6)
    path = trellis.best_path(gaussian(150, 6))
    back = trellis.path(trellis.stream(path))
    assert torch.equal(back.windows, path.windows)
    assert torch.equal(back.own, path.own)


def test_a_coordinate_of_no_bits_decodes_to_zero(gaussian: Gaussian) -> None:
    trellis = small((2, 0, 2))
    assert trellis.decode(trellis.encode(gaussian(4, 3)))[:, 1].eq(0).all()


def test_no_vectors_give_no_streams() -> None:
    trellis = small((2, 2))
    assert trellis.encode(torch.empty(0, 2)).shape == (0, 4)
    assert trellis.decode(torch.empty(0, 4, dtype=torch.uint8)).shape == (0, 2)


def test_a_wrong_length_is_refused() -> None:
    with pytest.raises(BadTensor, match=r"\(3, 7\); the trellis needs \(n, 2\)"):
        small((2, 2)).encode(torch.zeros(3, 7))


def test_a_round_of_training_lowers_the_error(gaussian: Gaussian) -> None:
    trellis = small((2,) * 32, memory=6)
    x = gaussian(256, 32)
    trellis, before = improved(trellis, x)
    _, after = improved(trellis, x)
    assert after < before


@pytest.mark.parametrize(("eighths", "most"), [(20, 0.0455), (24, 0.0230), (32, 0.0066)])
def test_the_trained_tables_reach_their_error(
    eighths: int, most: float, gaussian: Gaussian
) -> None:
    trellis = Trellis(spread(16 * eighths - 8, 128), even_tables(eighths))
    x = gaussian(128, 128)
    assert (trellis.decode(trellis.encode(x)) - x).square().mean() < most


@pytest.mark.parametrize(("rate", "most"), [(1, 0.31), (2, 0.079), (3, 0.0205), (4, 0.0055)])
def test_the_tables_of_one_rate_beat_scalar_levels(
    rate: int, most: float, gaussian: Gaussian
) -> None:
    trellis = Trellis((rate,) * 128, mixed_tables())
    x = gaussian(96, 128)
    assert (trellis.decode(trellis.encode(x)) - x).square().mean() < most
