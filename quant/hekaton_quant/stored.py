"""Calibrated codecs as one file, so that a calibration is made once per model.

The file is a numpy archive of plain arrays; reading it never runs code from it.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy
import torch
from numpy.typing import NDArray
from torch import Tensor

from hekaton_quant.calibration import Basis, calibrated_head, expected_loss
from hekaton_quant.codec import KeyMean, LayerCodec
from hekaton_quant.errors import Unsupported
from hekaton_quant.rope import Rope

HeadBases = tuple[Basis, Basis]
"""The bases of K and V of one head; the K mean of the first is before RoPE."""
_FIELDS = ("mean", "forward", "backward", "variances")


def save_bases(layers: Sequence[Sequence[HeadBases]], path: Path) -> None:
    """Write the bases of every layer and KV head."""
    arrays: dict[str, NDArray[numpy.float32]] = {}
    for field in _FIELDS:
        rows = [[[getattr(side, field) for side in head] for head in heads] for heads in layers]
        stacked = torch.stack([torch.stack([torch.stack(pair) for pair in row]) for row in rows])
        arrays[field] = stacked.numpy()
    with path.open("wb") as file:
        numpy.savez_compressed(file, allow_pickle=False, **arrays)


def load_bases(path: Path) -> list[list[HeadBases]]:
    """Read what `save_bases` wrote, or say what the file lacks."""
    with numpy.load(path, allow_pickle=False) as archive:
        if missing := [field for field in _FIELDS if field not in archive.files]:
            raise Unsupported([f"{path} lacks {', '.join(missing)}; it is no calibration."])
        stacked = {field: torch.from_numpy(archive[field]) for field in _FIELDS}
    layers, heads = stacked["mean"].shape[:2]

    def side(layer: int, head: int, which: int) -> Basis:
        found: list[Tensor] = [stacked[field][layer, head, which] for field in _FIELDS]
        return Basis(*found)

    return [[(side(i, h, 0), side(i, h, 1)) for h in range(heads)] for i in range(layers)]


def layer_codecs(
    layers: Sequence[Sequence[HeadBases]], size: int, rope: Rope, unbiased: bool = True
) -> list[LayerCodec]:
    """The codecs of all layers in `size` bytes per token and KV head."""
    return planned_codecs(layers, [size] * len(layers), rope, unbiased)


def planned_codecs(
    layers: Sequence[Sequence[HeadBases]], sizes: Sequence[int], rope: Rope, unbiased: bool = False
) -> list[LayerCodec]:
    """The codecs of all layers, each with its own bytes per token and KV head."""
    return [
        LayerCodec(
            tuple(calibrated_head(k, v, size, KeyMean(k.mean, rope), unbiased) for k, v in heads)
        )
        for heads, size in zip(layers, sizes, strict=True)
    ]


def layer_sizes(
    layers: Sequence[Sequence[HeadBases]], mean: int, least: int, most: int, step: int = 4
) -> list[int]:
    """Share `mean` bytes a layer so that the expected loss over all layers is least.

    Every size is between `least` and `most`; their mean is `mean`, so the bytes are equal.
    """

    def loss(heads: Sequence[HeadBases], size: int) -> float:
        return sum(expected_loss(k, v, size) for k, v in heads)

    sizes = [least] * len(layers)
    known = [loss(heads, least) for heads in layers]
    gains = [now - loss(heads, least + step) for now, heads in zip(known, layers, strict=True)]
    while sum(sizes) + step <= mean * len(layers):
        best = max(range(len(layers)), key=lambda i: gains[i])
        sizes[best] += step
        known[best] -= gains[best]
        more = sizes[best] + step
        gains[best] = known[best] - loss(layers[best], more) if more <= most else -1.0
    return sizes
