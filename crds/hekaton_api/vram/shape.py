"""What a decoder looks like, as far as memory is concerned. Pure.

The figures are those of a checkpoint's `config.json`; everything else (parameters, bytes) follows.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Attention: TypeAlias = Literal["MHA", "GQA", "MQA", "MLA"]


@dataclass(frozen=True, slots=True)
class Latent:
    """Multi-head latent attention: one compressed vector a token stands for all K and V heads."""

    kv_rank: int
    """Width of the compressed vector."""
    rope_dim: int
    """Coordinates beside it that carry the position."""
    nope_dim: int
    """Width of a head's key without position, once expanded."""
    value_dim: int
    """Width of a head's value, once expanded."""
    q_rank: int = 0
    """Width of the compressed query; 0 where queries are not compressed."""

    @property
    def width(self) -> int:
        """Numbers kept per token and layer."""
        return self.kv_rank + self.rope_dim


@dataclass(frozen=True, slots=True)
class Experts:
    """A mixture of experts in place of the MLP."""

    routed: int
    """Experts to choose from."""
    shared: int
    """Experts that every token passes."""
    chosen: int
    """Routed experts a token passes."""
    size: int
    """Inner width of one expert."""
    dense_layers: int
    """Layers that keep a plain MLP."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One architecture."""

    name: str
    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    intermediate: int
    """Inner width of the MLP."""
    vocab: int
    positions: int
    """Longest context it was made for, tokens."""
    tied: bool = False
    """Whether the output head is the embedding."""
    qkv_bias: bool = False
    gated: bool = True
    """Whether the MLP has a gate: three matrices, not two."""
    window: int = 0
    """Tokens that a sliding-window layer looks back on; 0 where there is none."""
    windowed_layers: int = 0
    latent: Latent | None = None
    experts: Experts | None = None

    @property
    def attention(self) -> Attention:
        """How K and V are shared among the heads."""
        if self.latent is not None:
            return "MLA"
        if self.kv_heads == self.heads:
            return "MHA"
        return "MQA" if self.kv_heads == 1 else "GQA"

    @property
    def kind(self) -> str:
        """The kind of attention in words."""
        windows = f", {self.windowed_layers} layers with a window" if self.windowed_layers else ""
        return f"{self.attention}{windows}"
