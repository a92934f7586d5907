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


def _check_lengths(keys: Tensor, values: Tensor, positions: Tensor) -> None:
    if not len(keys) == len(values) == len(positions):
        lengths = f"{len(keys)} keys, {len(values)} values, {len(positions)} positions"
        raise BadTensor(f"{lengths}; give one of each per token.")


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
        _check_lengths(keys, values, positions)
        keys = self.centred(keys, positions)
        return torch.cat((self.keys.encode(keys), self.values.encode(values)), dim=1)

    def centred(self, keys: Tensor, positions: Tensor) -> Tensor:
        """keys: (n, d) without the mean that is known of them."""
        if self.key_mean is None:
            return keys
        return keys.to(torch.float32) - self.key_mean.at(positions)

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

    @property
    def alike(self) -> bool:
        """Whether all heads code alike, so that one pass takes them all."""
        first = self.heads[0]
        return all(h.keys is first.keys and h.values is first.values for h in self.heads)

    def encode(self, keys: Tensor, values: Tensor, positions: Tensor) -> Tensor:
        """keys, values: (tokens, heads, d); positions: (tokens,) -> (tokens, heads, size)."""
        _check_lengths(keys, values, positions)
        if self.alike:
            first, count = self.heads[0], len(keys)
            shifted = [head.centred(keys[:, i], positions) for i, head in enumerate(self.heads)]
            flat = torch.stack(shifted, dim=1).flatten(0, 1)
            sides = (first.keys.encode(flat), first.values.encode(values.flatten(0, 1)))
            return torch.cat(sides, dim=1).view(count, len(self.heads), self.size)
        parts = [
            head.encode(keys[:, i], values[:, i], positions) for i, head in enumerate(self.heads)
        ]
        return torch.stack(parts, dim=1)

    def decode(self, slots: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
        """slots: (tokens, heads, size) -> keys, values: (tokens, heads, d) float32."""
        if self.alike:
            first = self.heads[0]
            bare = HeadCodec(first.keys, first.values).decode(slots.flatten(0, 1), positions)
            keys, values = (side.view(*slots.shape[:2], side.shape[1]) for side in bare)
            for i, head in enumerate(self.heads):
                if head.key_mean is not None:
                    keys[:, i] += head.key_mean.at(positions)
            return keys, values
        pairs = [head.decode(slots[:, i], positions) for i, head in enumerate(self.heads)]
        wide_keys, wide_values = zip(*pairs, strict=True)
        return torch.stack(wide_keys, dim=1), torch.stack(wide_values, dim=1)


def even_vector(size: int, eighths: int, head_size: int, seed: int) -> TrellisVector:
    """The data-free code: a random Hadamard rotation and bits spread evenly."""
    rotation = randomised_hadamard(head_size, seed)
    bits = spread(8 * size - SCALE_BITS, head_size)
    trellis = Trellis(bits, even_tables(eighths))
    none = torch.zeros(head_size, dtype=torch.float32)
    return TrellisVector(trellis, rotation, rotation.T.contiguous(), none)


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
    head = trellis_head(preset, head_size)
    return LayerCodec(tuple(HeadCodec(head.keys, head.values, mean) for mean in key_means))
