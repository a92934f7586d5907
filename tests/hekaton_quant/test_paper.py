"""The paper's two algorithms, held to the paper's own figures."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from hekaton_quant.paper import PaperMse, PaperProd

Gaussian = Callable[..., Tensor]


def on_sphere(gaussian: Gaussian, count: int, size: int) -> Tensor:
    return torch.nn.functional.normalize(gaussian(count, size, 7))


@pytest.mark.parametrize(("bits", "figure"), [(1, 0.363), (2, 0.117), (3, 0.0345), (4, 0.00950)])
def test_mse_has_the_distortion_of_the_paper(bits: int, figure: float, gaussian: Gaussian) -> None:
    x = on_sphere(gaussian, 400, 1536)
    codec = PaperMse(1536, bits)
    error = (codec.decode(codec.encode(x)) - x).square().sum(dim=1).mean()
    assert error == pytest.approx(figure, rel=0.006)


@pytest.mark.parametrize(("bits", "figure"), [(2, 0.57), (3, 0.1845), (4, 0.0542)])
def test_prod_has_the_variance_of_its_residual(
    bits: int, figure: float, gaussian: Gaussian
) -> None:
    """The variance is (pi / 2) D_mse(bits - 1) / d; the paper prints 0.56, 0.18 and 0.047."""
    size = 256
    x, y = on_sphere(gaussian, 3000, size), torch.nn.functional.normalize(gaussian(3000, size, 8))
    codec = PaperProd(size, bits)
    error = ((codec.decode(codec.encode(x)) - x) * y).sum(dim=1)
    assert error.square().mean() * size == pytest.approx(figure, rel=0.08)


def test_prod_is_unbiased_and_mse_shrinks(gaussian: Gaussian) -> None:
    x = on_sphere(gaussian, 1000, 128)

    def slope(codec: PaperMse | PaperProd) -> float:
        return float((codec.decode(codec.encode(x)) * x).sum(dim=1).mean())

    assert slope(PaperProd(128, 2)) == pytest.approx(1.0, abs=0.02)
    assert slope(PaperMse(128, 2)) == pytest.approx(1 - 0.117, abs=0.01)


def test_the_norm_is_counted() -> None:
    assert PaperMse(128, 3).size == 52
    assert PaperProd(128, 3).size == 32 + 4 + 16 + 4
