"""Bytes of a KV cache as vLLM allots them: whole blocks, from one pool for all layers. Pure, exact.

Follows `v1/core/kv_cache_utils.py` and `platforms/interface.py` of vLLM 0.33.0: layers that need
the same slots share one group whatever their page; layers with a window form groups of their own.
"""

from dataclasses import dataclass

from hekaton_api.models import Engine
from hekaton_api.vram.shape import Shape
from hekaton_api.vram.storage import KvDtype

BLOCK = 16
"""Tokens of a block, vLLM's own choice for full attention."""
LATENT_BLOCK = 64
"""Tokens of a block with MLA: what FlashMLA asks for, the largest of the backends on Hopper."""


@dataclass(frozen=True, slots=True)
class Cache:
    """The layout of one model's cache on one GPU."""

    block: int
    """Tokens of a block."""
    block_bytes: int
    """Bytes of a block: its pages in every layer of a group."""
    full_groups: int
    """Groups of layers that keep the whole context."""
    window_groups: int = 0
    window: int = 0
    """Tokens that a group with a window holds at most, those in flight included."""

    def blocks(self, context: int) -> int:
        """Blocks of one sequence of this length."""
        whole = self.full_groups * -(-context // self.block)
        if not self.window_groups:
            return whole
        kept = -(-min(self.window, context) // self.block) + 1
        return whole + self.window_groups * kept

    def size(self, context: int, sequences: int) -> int:
        """Bytes that hold so many sequences of this length; one more block is vLLM's null block."""
        return (sequences * self.blocks(context) + 1) * self.block_bytes

    def tokens(self, room: int, context: int) -> int:
        """Tokens that vLLM reports for a pool of `room` bytes at this longest context."""
        return int(room // self.block_bytes / self.blocks(context) * context)


def cache(
    shape: Shape, dtype: KvDtype, *, engine: Engine, batched: int, gpus: int = 1, block: int = 0
) -> Cache:
    """Lay out the cache; `batched` is the most tokens of one step, `block` replaces the engine's."""
    least = 1 if engine == "sglang" else block or BLOCK
    if shape.latent is not None:
        least = 1 if engine == "sglang" else block or LATENT_BLOCK
        return Cache(least, least * dtype.row(shape.latent.width) * shape.layers, 1)
    heads = max(1, shape.kv_heads // gpus)
    slot, whole = dtype.slot(shape.head_dim), 4 * shape.head_dim
    kept = min(2 * dtype.boundary, shape.layers)
    tokens = least * -(-BLOCK * whole // (least * slot)) if kept and engine == "vllm" else least
    if not shape.windowed_layers:
        layers = (shape.layers - kept) * slot + kept * whole
        return Cache(tokens, tokens * heads * layers, 1)
    full = shape.layers - shape.windowed_layers
    size = group(full, shape.windowed_layers)
    held = shape.window - 1 + batched
    return Cache(
        tokens,
        tokens * heads * slot * size,
        -(-full // size),
        -(-shape.windowed_layers // size),
        held,
    )


def group(full: int, windowed: int) -> int:
    """Layers of a group where two kinds share a pool."""
    least, most = sorted((full, windowed))
    if not least:
        return most
    return most if most < 1.5 * least else least
