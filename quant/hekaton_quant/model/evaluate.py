"""What a KV codec does to a model: KL of next-token distributions and perplexity.

Every layer writes its K and V through the real packed encoding and attends to what comes back, at
every position, the newest token included; bytes are counted from the packed tensors themselves.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from hekaton_quant.codec import LayerCodec
from hekaton_quant.model.transformer import ExactCache, Seen, Transformer
from hekaton_quant.sizes import ExactSpan


@dataclass
class CodecCache:
    """A KV cache that stores packed slots; a layer without a codec stays exact in 16 bits."""

    layers: Sequence[LayerCodec | None]
    span: ExactSpan = field(default_factory=ExactSpan)
    stored: float = 0.0
    """Bytes written so far, the exact span's 16-bit copies and exact layers included."""
    vectors: int = 0
    """K-V pairs written so far: tokens times KV heads, over all layers."""

    def see(self, layer: int, keys: Tensor, values: Tensor) -> Seen:
        """Pack and unpack each sequence of the batch."""
        batch, heads, tokens, head_size = keys.shape
        codec = self.layers[layer]
        self.vectors += batch * heads * tokens
        if codec is None:
            self.stored += batch * heads * tokens * 4 * head_size
            return Seen(keys, values)
        positions = torch.arange(tokens)
        seen_keys, seen_values = torch.empty_like(keys), torch.empty_like(values)
        for i in range(batch):
            slots = codec.encode(keys[i].transpose(0, 1), values[i].transpose(0, 1), positions)
            self.stored += slots.numel()
            back = codec.decode(slots, positions)
            seen_keys[i], seen_values[i] = (t.transpose(0, 1) for t in back)
        self.stored += batch * heads * tokens * self.span.extra_bytes(head_size, tokens)
        return Seen(seen_keys, seen_values, exact_mask(tokens, self.span))

    @property
    def bytes_per_token(self) -> float:
        """Mean bytes per token, KV head and layer."""
        return self.stored / self.vectors


def exact_mask(tokens: int, span: ExactSpan) -> Tensor | None:
    """(tokens, tokens) bool: which columns a query row reads exactly; None for an empty span."""
    if span.sink + span.window == 0:
        return None
    row = torch.arange(tokens).unsqueeze(1)
    column = torch.arange(tokens)
    return (column < span.sink) | (row - column < span.window)


@dataclass(frozen=True, slots=True)
class Quality:
    """Figures of one cache over a set of sequences."""

    bytes_per_token: float
    """Mean bytes per token, KV head and layer, everything counted."""
    kl: float
    """Mean KL in nats of the next-token distribution from the exact cache's."""
    perplexity: float
    top1: float
    """Share of positions whose most likely token is the exact cache's."""
    kl_by_sequence: tuple[float, ...]
    """One mean KL per sequence, for paired comparisons."""


@torch.no_grad()
def exact_logits(model: Transformer, ids: Tensor) -> list[Tensor]:
    """ids: (sequences, tokens + 1) -> log-probabilities (tokens, vocabulary) of each."""
    return [model(row[None, :-1], ExactCache())[0].log_softmax(dim=-1) for row in ids]


@torch.no_grad()
def quality(model: Transformer, ids: Tensor, exact: Sequence[Tensor], cache: CodecCache) -> Quality:
    """Measure one cache on ids (sequences, tokens + 1) beside the exact log-probabilities."""
    kls, losses, agreed = [], [], []
    for row, truth in zip(ids, exact, strict=True):
        logs = model(row[None, :-1], cache)[0].log_softmax(dim=-1)
        kls.append((truth.exp() * (truth - logs)).sum(dim=-1).mean().item())
        losses.append(-logs.gather(1, row[1:, None]).mean().item())
        agreed.append((logs.argmax(dim=-1) == truth.argmax(dim=-1)).float().mean().item())
    return Quality(
        bytes_per_token=cache.bytes_per_token,
        kl=_mean(kls),
        perplexity=math.exp(_mean(losses)),
        top1=_mean(agreed),
        kl_by_sequence=tuple(kls),
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
