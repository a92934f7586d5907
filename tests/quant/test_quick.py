"""The quick encoder: the same stream, a little more error, bounded memory."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from hekaton_quant.codec import even_vector
from hekaton_quant.quick import Search, quick_path
from hekaton_quant.tables import even_tables
from hekaton_quant.training import first_tables
from hekaton_quant.trellis import Trellis, spread

Gaussian = Callable[..., Tensor]


def test_its_path_is_one_that_the_register_can_take(gaussian: Gaussian) -> None:
    bits = (3, 2, 0, 2, 3, 1) * 4
    trellis = Trellis(bits, first_tables(set(bits), 6, torch.Generator().manual_seed(0)))
    path = quick_path(trellis, gaussian(9, 24), Search(kept=4, delay=5))
    back = trellis.path(trellis.stream(path))
    assert torch.equal(back.windows, path.windows)
    assert torch.equal(back.own, path.own)


def test_with_every_path_kept_it_finds_what_viterbi_finds(gaussian: Gaussian) -> None:
    bits = (2,) * 9
    trellis = Trellis(bits, first_tables({2}, 5, torch.Generator().manual_seed(0)))
    x = gaussian(20, 9)
    quick = trellis.values(quick_path(trellis, x, Search(kept=512, delay=40)))
    best = trellis.decode(trellis.encode(x))
    torch.testing.assert_close((quick - x).square().sum(1), (best - x).square().sum(1))


def test_sixteen_paths_cost_a_fifth_more_than_viterbi(gaussian: Gaussian) -> None:
    trellis = Trellis(spread(376, 128), even_tables(24))
    x = gaussian(96, 128)
    quick = (trellis.values(quick_path(trellis, x, Search())) - x).square().mean()
    best = (trellis.decode(trellis.encode(x)) - x).square().mean()
    assert best < quick < 1.3 * best
    assert quick < 0.0295  # below the 0.0345 of Lloyd and Max at more bits


def test_a_short_delay_costs_little(gaussian: Gaussian) -> None:
    trellis = Trellis(spread(376, 128), even_tables(24))
    x = gaussian(64, 128)
    errors = [
        (trellis.values(quick_path(trellis, x, Search(16, delay))) - x).square().mean()
        for delay in (16, 60)
    ]
    assert errors[0] == pytest.approx(float(errors[1]), rel=0.12)


def test_a_codec_reads_quick_slots_as_its_own(gaussian: Gaussian) -> None:
    exact = even_vector(24, 24, 64, seed=1)
    quick = replace(exact, search=Search())
    x = gaussian(60, 64)
    assert (exact.decode(quick.encode(x)) - x).square().mean() < 0.04


def test_no_vectors_give_no_paths() -> None:
    trellis = Trellis((2, 2), first_tables({2}, 4, torch.Generator().manual_seed(0)))
    assert quick_path(trellis, torch.empty(0, 2), Search()).own.shape == (0, 2)
