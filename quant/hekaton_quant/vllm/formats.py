"""What `--kv-cache-dtype` may name here, and the codec and slot size each name means. No vLLM.

`tq_exact` stores 32 bits in the same packed pages: whatever the plumbing does
wrong shows as a difference from vLLM's own cache, token for token.
"""

from collections.abc import Sequence

import torch

from hekaton_quant.codec import HeadCodec, KeyMean, LayerCodec, trellis_layer
from hekaton_quant.errors import UnknownPreset
from hekaton_quant.floats import FloatVector
from hekaton_quant.native import native_head
from hekaton_quant.sizes import HEAD_SIZES, NATIVE, TRELLIS, NativePreset, TrellisPreset

EXACT = "tq_exact"
ADDED = (*(each.name for each in TRELLIS), EXACT)
"""Names that vLLM does not know without the plugin."""
NATIVE_NAMES = tuple(each.name for each in NATIVE)
"""vLLM's own names that its CPU backend accepts and then writes past the end of the cache for."""
SERVED = (*ADDED, *NATIVE_NAMES)


def _preset(name: str) -> TrellisPreset | NativePreset:
    for each in (*TRELLIS, *NATIVE):
        if each.name == name:
            return each
    raise UnknownPreset(f"kv_cache_dtype is {name!r}; this plugin serves {', '.join(SERVED)}.")


def head_sizes(name: str) -> tuple[int, ...]:
    """Head sizes that a name can be used with."""
    powers = (64, 128, 256)
    return powers if name in NATIVE_NAMES else HEAD_SIZES


def slot_bytes(name: str, head_size: int) -> int:
    """Bytes of one token and KV head in the cache's pages."""
    if name == EXACT:
        return 8 * head_size
    return _preset(name).bytes_per_token(head_size)


def layer_codec(name: str, head_size: int, means: Sequence[KeyMean | None]) -> LayerCodec:
    """The codec of one layer without a calibration; one entry of `means` for each KV head."""
    if name == EXACT:
        side = FloatVector(head_size, torch.float32)
        return LayerCodec((HeadCodec(side, side),) * len(means))
    preset = _preset(name)
    if isinstance(preset, TrellisPreset):
        return trellis_layer(preset, head_size, means)
    return LayerCodec((native_head(preset, head_size),) * len(means))
