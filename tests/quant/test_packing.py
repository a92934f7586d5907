"""Packing: every bit comes back, and nothing is padded but the last byte."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hekaton_quant.packing import pack_bits, pack_low_first, unpack_bits, unpack_low_first
from hekaton_quant.scale import scale_codes, scale_values


@given(st.lists(st.integers(0, 1), min_size=0, max_size=70), st.integers(0, 3))
@settings(deadline=None, max_examples=40)
def test_bits_come_back(row: list[int], count: int) -> None:
    bits = torch.tensor([row] * count, dtype=torch.uint8).view(count, len(row))
    packed = pack_bits(bits)
    assert packed.shape == (count, (len(row) + 7) // 8)
    assert torch.equal(unpack_bits(packed, len(row)), bits)


@given(st.integers(1, 8), st.integers(1, 20), st.integers(0, 2**31))
@settings(deadline=None, max_examples=40)
def test_fields_come_back(width: int, count: int, seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    fields = torch.randint(1 << width, (3, count), generator=random)
    packed = pack_low_first(fields, width)
    assert packed.shape == (3, (width * count + 7) // 8)
    assert torch.equal(unpack_low_first(packed, width, count), fields)


def test_the_first_field_takes_the_lowest_bits() -> None:
    assert pack_low_first(torch.tensor([[1, 2, 3]]), 3).tolist() == [[0b11010001, 0]]


def test_a_scale_is_kept_within_half_a_step() -> None:
    scales = torch.logspace(-2.5, 2.2, 400)
    back = scale_values(scale_codes(scales))
    assert (back / scales).log2().abs().max() <= 0.5 / 14 + 1e-5


def test_a_zero_scale_stays_zero_and_extremes_are_clamped() -> None:
    codes = scale_codes(torch.tensor([0.0, 1e-20, 1e20]))
    assert codes.tolist() == [0, 1, 255]
    assert scale_values(codes)[0] == 0
