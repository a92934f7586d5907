"""The paper's two algorithms, held to the paper's own figures."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from hekaton_quant.lloydmax import sphere_distortion
from hekaton_quant.paper import PaperMse, PaperProd, prod_distortion

Gaussian = Callable[..., Tensor]


def on_sphere(gaussian: Gaussian, count: int, size: int) -> Tensor:
    return torch.nn.functional.normalize(gaussian(count, size, 7))


@pytest.mark.parametrize(
    ("bits", "figure"), [(0, "1"), (1, "0.363"), (2, "0.117"), (3, "0.0345"), (4, "0.00949")]
)
def test_mse_distorts_as_the_paper_says_to_three_digits(bits: int, figure: str) -> None:
    """The paper prints 0.36, 0.117, 0.03 and 0.009, its last two cut short."""
    assert f"{sphere_distortion(1536, bits):.3g}" == figure


@pytest.mark.parametrize(
    ("bits", "figure"), [(1, "1.57"), (2, "0.57"), (3, "0.184"), (4, "0.0542")]
)
def test_prod_distorts_as_the_papers_formula_says_to_three_digits(bits: int, figure: str) -> None:
    """The paper prints 1.57, 0.56, 0.18 and 0.047, over d."""
    assert f"{1536 * prod_distortion(1536, bits):.3g}" == figure


@pytest.mark.parametrize("bits", [1, 2, 3, 4])
def test_the_codes_reach_the_exact_figures(bits: int, gaussian: Gaussian) -> None:
    x, y = on_sphere(gaussian, 4000, 128), torch.nn.functional.normalize(gaussian(4000, 128, 8))
    mse, prod = PaperMse(128, bits), PaperProd(128, bits)
    error = (mse.decode(mse.encode(x)) - x).square().sum(dim=1).mean()
    assert error == pytest.approx(sphere_distortion(128, bits), rel=0.005)
    missed = ((prod.decode(prod.encode(x)) - x) * y).sum(dim=1)
    assert missed.square().mean() == pytest.approx(prod_distortion(128, bits), rel=0.07)


def test_prod_is_unbiased_and_mse_shrinks(gaussian: Gaussian) -> None:
    x = on_sphere(gaussian, 1000, 128)

    def slope(codec: PaperMse | PaperProd) -> float:
        return float((codec.decode(codec.encode(x)) * x).sum(dim=1).mean())

    assert slope(PaperProd(128, 2)) == pytest.approx(1.0, abs=0.02)
    assert slope(PaperMse(128, 2)) == pytest.approx(1 - 0.117, abs=0.01)


def test_the_norm_is_counted() -> None:
    assert PaperMse(128, 3).size == 52
    assert PaperProd(128, 3).size == 32 + 4 + 16 + 4
