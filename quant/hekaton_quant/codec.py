"""The KV codec: what is stored for a token of a layer, and the presets as ready codecs.

A slot holds K then V of one token and KV head. A K mean that is constant before RoPE is moved to
the token's position and subtracted before coding; decoding adds it back, so it costs no bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from hekaton_quant.errors import BadTensor, Unsupported
from hekaton_quant.rope import Rope
from hekaton_quant.rotation import randomised_hadamard
from hekaton_quant.sizes import TrellisPreset
from hekaton_quant.tables import SCALE_BITS, even_tables
from hekaton_quant.trellis import Trellis, spread
from hekaton_quant.vector import TrellisVector, VectorCodec


@dataclass(frozen=True, slots=True)
class KeyMean:
    """A per-channel K mean or bias as it is before RoPE. mean: (head_size,) float32."""

    mean: Tensor
    rope: Rope

    def at(self, positions: Tensor) -> Tensor:
        """positions: (n,) int -> (n, head_size) float32, the mean as it stands after RoPE."""
        return self.rope.rotate(self.mean.expand(len(positions), -1), positions)


@dataclass(frozen=True, slots=True)
class HeadCodec:
    """The codec of one KV head."""

    keys: VectorCodec
    values: VectorCodec
    key_mean: KeyMean | None = None

    @property
    def size(self) -> int:
        """Bytes of one token."""
        return self.keys.size + self.values.size

    def encode(self, keys: Tensor, values: Tensor, positions: Tensor) -> Tensor:
        """keys (after RoPE), values: (n, d); positions: (n,) int -> (n, size) uint8."""
        if not len(keys) == len(values) == len(positions):
            lengths = f"{len(keys)} keys, {len(values)} values, {len(positions)} positions"
            raise BadTensor(f"{lengths}; give one of each per token.")
        if self.key_mean is not None:
            keys = keys.to(torch.float32) - self.key_mean.at(positions)
        return torch.cat((self.keys.encode(keys), self.values.encode(values)), dim=1)

    def decode(self, slots: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
        """slots: (n, size) uint8; positions: (n,) int -> keys, values: (n, d) float32."""
        keys = self.keys.decode(slots[:, : self.keys.size])
        if self.key_mean is not None:
            keys = keys + self.key_mean.at(positions)
        return keys, self.values.decode(slots[:, self.keys.size :])


@dataclass(frozen=True, slots=True)
class LayerCodec:
    """The codecs of a layer's KV heads; all have slots of one size."""

    heads: tuple[HeadCodec, ...]

    def __post_init__(self) -> None:
        sizes = sorted({head.size for head in self.heads})
        if len(sizes) != 1:
            raise Unsupported([f"The heads of a layer have slots of {sizes} bytes; need one size."])

    @property
    def size(self) -> int:
        """Bytes of one token and KV head."""
        return self.heads[0].size

    def encode(self, keys: Tensor, values: Tensor, positions: Tensor) -> Tensor:
        """keys, values: (tokens, heads, d); positions: (tokens,) -> (tokens, heads, size)."""
        parts = [
            head.encode(keys[:, i], values[:, i], positions) for i, head in enumerate(self.heads)
        ]
        return torch.stack(parts, dim=1)

    def decode(self, slots: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
        """slots: (tokens, heads, size) -> keys, values: (tokens, heads, d) float32."""
        pairs = [head.decode(slots[:, i], positions) for i, head in enumerate(self.heads)]
        keys, values = zip(*pairs, strict=True)
        return torch.stack(keys, dim=1), torch.stack(values, dim=1)


def even_vector(size: int, eighths: int, head_size: int, seed: int) -> TrellisVector:
    """The data-free code: a random Hadamard rotation and bits spread evenly."""
    rotation = randomised_hadamard(head_size, seed)
    bits = spread(8 * size - SCALE_BITS, head_size)
    trellis = Trellis(bits, even_tables(eighths))
    return TrellisVector(trellis, rotation, rotation.T.contiguous(), torch.zeros(head_size))


def trellis_head(
    preset: TrellisPreset, head_size: int, key_mean: KeyMean | None = None, seed: int = 0
) -> HeadCodec:
    """A preset as the codec of one head, with a K mean where one is known."""
    keys = even_vector(preset.key_bytes(head_size), preset.key_eighths, head_size, 2 * seed)
    values = even_vector(
        preset.value_bytes(head_size), preset.value_eighths, head_size, 2 * seed + 1
    )
    return HeadCodec(keys, values, key_mean)


def trellis_layer(
    preset: TrellisPreset, head_size: int, key_means: Sequence[KeyMean | None]
) -> LayerCodec:
    """A preset as the codec of one layer; one entry of `key_means` per KV head."""
    return LayerCodec(tuple(trellis_head(preset, head_size, mean) for mean in key_means))
