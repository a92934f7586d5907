"""The vector codecs: bad input is defined, and the inner product is unbiased."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from hekaton_quant.codec import even_vector
from hekaton_quant.errors import BadTensor
from hekaton_quant.floats import FloatVector
from hekaton_quant.native import NativeKey, NativeValue
from hekaton_quant.paper import PaperMse, PaperProd
from hekaton_quant.vector import LIMIT, TrellisVector, VectorCodec

Gaussian = Callable[..., Tensor]
CODECS: list[VectorCodec] = [
    even_vector(24, 24, 64, seed=1),
    FloatVector(64, torch.bfloat16),
    FloatVector(64, torch.float8_e4m3fn),
    NativeKey(64, 3, norm_correction=True),
    NativeValue(64, 4),
    PaperMse(64, 3),
    PaperProd(64, 3),
]
each_codec = pytest.mark.parametrize("codec", CODECS, ids=lambda c: f"{type(c).__name__}{c.size}")


@each_codec
def test_a_vector_comes_back_near_itself(codec: VectorCodec, gaussian: Gaussian) -> None:
    x = gaussian(50, 64)
    slots = codec.encode(x)
    assert slots.shape == (50, codec.size)
    assert slots.dtype == torch.uint8
    assert (codec.decode(slots) - x).square().mean() < 0.3


@each_codec
def test_nan_and_infinity_give_finite_vectors(codec: VectorCodec) -> None:
    x = torch.zeros(3, 64)
    x[0, 3], x[1, 5], x[2, 7] = torch.nan, torch.inf, -torch.inf
    back = codec.decode(codec.encode(x))
    assert back.isfinite().all()
    assert back[0].abs().max() < 1e-3
    assert back.abs().max() <= 2 * LIMIT


@each_codec
def test_a_zero_vector_comes_back_as_zero(codec: VectorCodec) -> None:
    assert codec.decode(codec.encode(torch.zeros(2, 64))).abs().max() < 1e-6


@each_codec
def test_no_vectors_are_no_error(codec: VectorCodec) -> None:
    slots = codec.encode(torch.empty(0, 64))
    assert slots.shape == (0, codec.size)
    assert codec.decode(slots).shape == (0, 64)


@each_codec
def test_a_wrong_shape_or_dtype_is_refused(codec: VectorCodec) -> None:
    with pytest.raises(BadTensor, match=r"\(2, 63\); this codec needs \(n, 64\)"):
        codec.encode(torch.zeros(2, 63))
    with pytest.raises(BadTensor, match=r"dtype torch\.int64"):
        codec.encode(torch.zeros(2, 64, dtype=torch.int64))


@each_codec
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64], ids=str)
def test_every_float_dtype_is_taken(
    codec: VectorCodec, dtype: torch.dtype, gaussian: Gaussian
) -> None:
    assert codec.decode(codec.encode(gaussian(4, 64).to(dtype))).dtype == torch.float32


@each_codec
def test_a_vector_has_the_same_bytes_in_any_company(codec: VectorCodec, gaussian: Gaussian) -> None:
    x = gaussian(70, 64)
    assert torch.equal(codec.encode(x)[5:9], codec.encode(x[5:9].clone()))


def test_slots_of_another_size_are_refused() -> None:
    with pytest.raises(BadTensor, match=r"need \(n, 24\) uint8"):
        even_vector(24, 24, 64, seed=1).decode(torch.zeros(2, 25, dtype=torch.uint8))


@pytest.mark.parametrize("size", [64, 96, 128, 256])
def test_the_inner_product_is_unbiased(size: int, gaussian: Gaussian) -> None:
    codec = even_vector(size * 3 // 8, 24, size, seed=0)
    x = gaussian(400, size, 2) * 3
    back = codec.decode(codec.encode(x))
    ratio = (x * back).sum() / x.square().sum()
    assert ratio == pytest.approx(1.0, abs=0.004)


def test_the_least_squares_scale_has_the_smaller_error(gaussian: Gaussian) -> None:
    fair = even_vector(24, 24, 64, seed=1)
    least = TrellisVector(fair.trellis, fair.forward, fair.backward, fair.mean, unbiased=False)
    x = gaussian(400, 64)
    errors = [(c.decode(c.encode(x)) - x).square().mean() for c in (fair, least)]
    assert errors[1] < errors[0]
