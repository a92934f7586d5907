"""Codebooks: the paper's distortion figures, and vLLM's levels."""

import math

import pytest
import torch

from hekaton_quant.lloydmax import gaussian_codebook, nearest, sphere_codebook, vllm_codebook


def gaussian_error(codebook: torch.Tensor) -> float:
    """The expected squared error of N(0, 1) under its nearest level, by fine quadrature."""
    x = torch.linspace(-9, 9, 400_001, dtype=torch.float64)
    density = torch.exp(-x * x / 2) / math.sqrt(2 * math.pi)
    error = (codebook.double()[nearest(codebook.double(), x)] - x).square() * density
    return float(error.sum() * (x[1] - x[0]))


@pytest.mark.parametrize(
    ("bits", "error"), [(1, 0.36338), (2, 0.11748), (3, 0.03455), (4, 0.00950)]
)
def test_the_levels_have_the_distortion_of_lloyd_and_max(bits: int, error: float) -> None:
    assert gaussian_error(gaussian_codebook(bits)) == pytest.approx(error, abs=6e-6)


def test_two_bits_are_the_levels_that_the_paper_prints() -> None:
    assert gaussian_codebook(2).tolist() == pytest.approx([-1.510, -0.453, 0.453, 1.510], abs=1e-3)


def test_one_bit_on_a_great_sphere_is_the_root_of_two_by_pi() -> None:
    level = sphere_codebook(1536, 1)[1] * math.sqrt(1536)
    assert level == pytest.approx(math.sqrt(2 / math.pi), abs=1e-3)


def test_the_levels_of_vllm_are_near_the_exact_ones() -> None:
    exact = gaussian_codebook(3) / math.sqrt(128)
    torch.testing.assert_close(vllm_codebook(128, 3), exact, atol=1e-3, rtol=2e-2)


def test_a_tie_goes_to_the_upper_level() -> None:
    assert nearest(torch.tensor([-1.0, 1.0]), torch.tensor([-0.1, 0.0, 0.1])).tolist() == [0, 1, 1]
