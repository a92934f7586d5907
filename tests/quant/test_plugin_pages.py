"""Which slots a step of a paged cache touches, held against a cache that is no more than a list."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hekaton_quant.vllm.pages import Reading, reading

SIZE = 4
"""Tokens of a block."""


@st.composite
def batches(draw: st.DrawFn) -> tuple[list[list[int]], list[int], list[int]]:
    """Block tables, lengths and new tokens of a batch whose first blocks may be shared."""
    lengths = draw(st.lists(st.integers(1, 5 * SIZE), min_size=1, max_size=5))
    shared = draw(st.integers(0, 3))
    free = iter(draw(st.permutations(range(40))))
    common = [next(free) for _ in range(shared)]
    tables = []
    for length in lengths:
        needed = -(-length // SIZE)
        full = min(shared, length // SIZE)  # only whole blocks are shared
        tables.append(common[:full] + [next(free) for _ in range(needed - full)])
    fresh = [draw(st.integers(1, length)) for length in lengths]
    return tables, lengths, fresh


def plan(tables: list[list[int]], lengths: list[int], fresh: list[int]) -> Reading:
    wide = max(map(len, tables)) + 1
    table = torch.tensor([row + [7] * (wide - len(row)) for row in tables], dtype=torch.int32)
    starts = torch.tensor([0, *fresh]).cumsum(0).to(torch.int32)
    return reading(table, torch.tensor(lengths, dtype=torch.int32), starts, SIZE)


@given(batches())
@settings(deadline=None)
def test_every_request_finds_its_tokens_in_order(
    batch: tuple[list[list[int]], list[int], list[int]],
) -> None:
    tables, lengths, fresh = batch
    step = plan(tables, lengths, fresh)
    scratch = torch.full((step.blocks * SIZE,), -1)
    scratch[step.slot] = step.block * SIZE + step.offset
    for row, (table, length) in enumerate(zip(tables, lengths, strict=True)):
        places = [int(step.table[row, i // SIZE]) * SIZE + i % SIZE for i in range(length)]
        assert scratch[places].tolist() == [
            table[i // SIZE] * SIZE + i % SIZE for i in range(length)
        ]


@given(batches())
@settings(deadline=None)
def test_positions_are_places_in_the_sequence(
    batch: tuple[list[list[int]], list[int], list[int]],
) -> None:
    tables, lengths, fresh = batch
    step = plan(tables, lengths, fresh)
    known = dict(
        zip((step.block * SIZE + step.offset).tolist(), step.position.tolist(), strict=True)
    )
    for table, length in zip(tables, lengths, strict=True):
        assert [known[table[i // SIZE] * SIZE + i % SIZE] for i in range(length)] == [
            *range(length)
        ]
    wanted = [
        i for length, new in zip(lengths, fresh, strict=True) for i in range(length - new, length)
    ]
    assert step.written.tolist() == wanted


def test_a_shared_block_is_read_once() -> None:
    step = plan([[3, 5], [3, 6]], [6, 7], [1, 1])
    assert step.blocks == 3
    assert len(step.slot) == 4 + 2 + 3
