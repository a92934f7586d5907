"""A decoder of the Llama family in plain torch, with one seam: what attention sees of K and V.

It exists to measure codecs on learned K and V without a serving engine. Parameter names are those
of Hugging Face, so that a folder loads by name.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from hekaton_quant.errors import Unsupported
from hekaton_quant.model.config import ModelConfig, read_config
from hekaton_quant.model.weights import read_folder
from hekaton_quant.rope import Rope


@dataclass(frozen=True, slots=True)
class Seen:
    """What attention reads. keys, values: (batch, kv_heads, tokens, head_size).

    exact: (tokens, tokens) bool or None; where true, query row i reads column j uncompressed.
    """

    keys: Tensor
    values: Tensor
    exact: Tensor | None = None


class Cache(Protocol):
    """Stands for the KV cache: turns what a layer wrote into what attention reads."""

    def see(self, layer: int, keys: Tensor, values: Tensor) -> Seen:
        """keys (after RoPE), values: (batch, kv_heads, tokens, head_size), positions 0, 1, ..."""
        ...


class ExactCache:
    """The uncompressed cache."""

    def see(self, layer: int, keys: Tensor, values: Tensor) -> Seen:
        return Seen(keys, values)


def _norm(x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
    wide = x.to(torch.float32)
    scale = torch.rsqrt(wide.square().mean(dim=-1, keepdim=True) + epsilon)
    return (wide * scale).to(x.dtype) * weight


class Norm(nn.Module):
    """Root-mean-square normalisation with a gain."""

    def __init__(self, size: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        return _norm(x, self.weight, self.epsilon)


class Attention(nn.Module):
    """Grouped-query attention whose K and V pass through a `Cache`."""

    def __init__(self, config: ModelConfig, layer: int) -> None:
        super().__init__()
        self.config, self.layer = config, layer
        size = config.head_size
        self.q_proj = nn.Linear(config.hidden, config.heads * size, bias=config.bias)
        self.k_proj = nn.Linear(config.hidden, config.kv_heads * size, bias=config.bias)
        self.v_proj = nn.Linear(config.hidden, config.kv_heads * size, bias=config.bias)
        self.o_proj = nn.Linear(config.heads * size, config.hidden, bias=False)
        if config.head_norm:
            self.q_norm = Norm(size, config.norm_epsilon)
            self.k_norm = Norm(size, config.norm_epsilon)

    def forward(self, x: Tensor, cache: Cache) -> Tensor:
        batch, tokens, _ = x.shape
        config = self.config
        shape = (batch, tokens, -1, config.head_size)
        q = self.q_proj(x).view(shape).transpose(1, 2)
        k = self.k_proj(x).view(shape).transpose(1, 2)
        v = self.v_proj(x).view(shape).transpose(1, 2)
        if config.head_norm:
            q, k = self.q_norm(q), self.k_norm(k)
        rope = Rope(config.head_size, config.rope_base)
        positions = torch.arange(tokens, device=x.device)
        q, k = rope.rotate(q, positions).to(x.dtype), rope.rotate(k, positions).to(x.dtype)
        out = attend(q, k, v, cache.see(self.layer, k, v), config.group)
        mixed: Tensor = self.o_proj(out.transpose(1, 2).reshape(batch, tokens, -1))
        return mixed


def attend(q: Tensor, k: Tensor, v: Tensor, seen: Seen, group: int) -> Tensor:
    """Causal attention of q (batch, heads, tokens, head_size) over what the cache shows."""
    wide = [t.repeat_interleave(group, dim=1) for t in (seen.keys, seen.values)]
    if seen.exact is None:
        return functional.scaled_dot_product_attention(q, wide[0], wide[1], is_causal=True)
    exact = [t.repeat_interleave(group, dim=1) for t in (k, v)]
    scores = torch.where(seen.exact, q @ exact[0].mT, q @ wide[0].mT) / math.sqrt(q.shape[-1])
    causal = torch.ones_like(seen.exact).tril()
    weights = scores.masked_fill(~causal, float("-inf")).softmax(dim=-1)
    return (weights * seen.exact) @ exact[1] + (weights * ~seen.exact) @ wide[1]


class Feed(nn.Module):
    """The gated feed-forward part of a layer."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(config.hidden, config.inner, bias=False)
        self.up_proj = nn.Linear(config.hidden, config.inner, bias=False)
        self.down_proj = nn.Linear(config.inner, config.hidden, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.down_proj(functional.silu(self.gate_proj(x)) * self.up_proj(x))
        return out


class Layer(nn.Module):
    """Attention and feed-forward, each behind a norm and added to the stream."""

    def __init__(self, config: ModelConfig, layer: int) -> None:
        super().__init__()
        self.input_layernorm = Norm(config.hidden, config.norm_epsilon)
        self.self_attn = Attention(config, layer)
        self.post_attention_layernorm = Norm(config.hidden, config.norm_epsilon)
        self.mlp = Feed(config)

    def forward(self, x: Tensor, cache: Cache) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), cache)
        out: Tensor = x + self.mlp(self.post_attention_layernorm(x))
        return out


class Transformer(nn.Module):
    """The whole decoder: ids (batch, tokens) -> logits (batch, tokens, vocabulary)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.embed_tokens = nn.Embedding(config.vocabulary, config.hidden)
        self.layers = nn.ModuleList(Layer(config, i) for i in range(config.layers))
        self.norm = Norm(config.hidden, config.norm_epsilon)
        self.lm_head = nn.Linear(config.hidden, config.vocabulary, bias=False)
        if config.tied:
            self.lm_head.weight = self.embed_tokens.weight

    def forward(self, ids: Tensor, cache: Cache) -> Tensor:
        x = self.embed_tokens(ids)
        for layer in self.layers:
            x = layer(x, cache)
        logits: Tensor = self.lm_head(self.norm(x))
        return logits

    def attentions(self) -> list[Attention]:
        """The attention part of each layer, in order."""
        parts = (layer.self_attn for layer in self.layers)
        return [part for part in parts if isinstance(part, Attention)]


def _fill(model: Transformer, tensors: Iterable[tuple[str, Tensor]]) -> None:
    own = dict(model.named_parameters(remove_duplicate=False))
    missing, unknown = set(own), []
    for name, tensor in tensors:
        short = name.removeprefix("model.")
        if short not in own:
            unknown.append(name)
            continue
        if own[short].shape != tensor.shape:
            shape, wanted = tuple(tensor.shape), tuple(own[short].shape)
            raise Unsupported([f"{name} has shape {shape}; config.json asks for {wanted}."])
        own[short].data.copy_(tensor)
        missing.discard(short)
    if model.config.tied:
        missing.discard("lm_head.weight")
    reasons = [f"The weights lack {name}." for name in sorted(missing)]
    reasons += [f"The weights hold {name}, which this reader does not use." for name in unknown]
    if reasons:
        raise Unsupported(reasons)


def load_model(folder: Path) -> Transformer:
    """Load a Hugging Face model folder in float32, or refuse it with every reason."""
    model = Transformer(read_config(folder))
    _fill(model, read_folder(folder))
    return model.eval()
