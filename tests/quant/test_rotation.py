"""Rotations: orthogonal at every served head size."""

import pytest
import torch

from hekaton_quant.errors import Unsupported
from hekaton_quant.rope import Rope
from hekaton_quant.rotation import dense_rotation, hadamard, randomised_hadamard


@pytest.mark.parametrize("size", [1, 2, 12, 20, 24, 64, 80, 96, 128, 256])
def test_a_hadamard_matrix_is_orthogonal_with_entries_of_one_size(size: int) -> None:
    matrix = hadamard(size)
    torch.testing.assert_close(matrix @ matrix.T, torch.eye(size, dtype=torch.float64))
    assert matrix.abs().allclose(torch.tensor(size**-0.5, dtype=torch.float64))


@pytest.mark.parametrize("size", [0, 3, 36, 100])
def test_an_order_without_a_construction_is_refused(size: int) -> None:
    with pytest.raises(Unsupported, match=f"No Hadamard matrix of order {size}"):
        hadamard(size)


def test_seeds_give_different_rotations() -> None:
    assert not torch.equal(randomised_hadamard(64, 0), randomised_hadamard(64, 1))


def test_the_dense_rotation_is_orthogonal() -> None:
    matrix = dense_rotation(96, 3)
    torch.testing.assert_close(matrix @ matrix.T, torch.eye(96), atol=1e-5, rtol=0)


def test_rope_keeps_inner_products_of_equal_distance() -> None:
    rope = Rope(64)
    q, k = torch.randn(2, 1, 64, generator=torch.Generator().manual_seed(1))
    near = rope.rotate(q, torch.tensor([7])) @ rope.rotate(k, torch.tensor([3])).T
    far = rope.rotate(q, torch.tensor([1007])) @ rope.rotate(k, torch.tensor([1003])).T
    torch.testing.assert_close(near, far, atol=1e-3, rtol=1e-4)


def test_rope_is_undone_by_the_negative_position() -> None:
    rope = Rope(64)
    x = torch.randn(5, 64, generator=torch.Generator().manual_seed(1))
    places = torch.tensor([0, 1, 5000, 31, 100_000])
    torch.testing.assert_close(
        rope.rotate(rope.rotate(x, places), -places), x, atol=1e-5, rtol=1e-5
    )
