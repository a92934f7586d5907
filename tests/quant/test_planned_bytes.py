"""The bytes that the VRAM planner counts are those that the codecs store: neither package imports the other."""

import pytest

from hekaton_api.vram.facts import kv_dtypes
from hekaton_quant.sizes import NATIVE, TRELLIS, NativePreset, TrellisPreset


@pytest.mark.parametrize("preset", [*TRELLIS, *NATIVE], ids=lambda preset: preset.name)
def test_the_planner_counts_what_the_codec_stores(preset: TrellisPreset | NativePreset) -> None:
    planned = {fact.dtype.name: fact.dtype for fact in kv_dtypes()}[preset.name]
    for head_size in planned.head_sizes:
        assert planned.slot(head_size) == preset.bytes_per_token(head_size)
