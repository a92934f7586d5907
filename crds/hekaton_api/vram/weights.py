"""Parameters of an architecture, and the bytes of its weights in each format. Pure, exact.

Quantised formats pack the matrices of the layers; embedding, output head, norms and biases stay in
16 bits, as in the published AWQ, GPTQ and FP8 checkpoints.
"""

from dataclasses import dataclass

from hekaton_api.vram.shape import Experts, Latent, Shape


@dataclass(frozen=True, slots=True)
class Packing:
    """How a format stores a matrix: so many bits for so many weights, scales included."""

    name: str
    bits: int
    """Bits of one group."""
    group: int
    """Weights of one group."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """Where the parameters are."""

    matrices: int
    """In the layers' matrices, which formats pack."""
    plain: int
    """In embedding, head, norms, biases and the routers of experts."""

    @property
    def total(self) -> int:
        return self.matrices + self.plain


def parameters(shape: Shape) -> Parameters:
    """Count the parameters of a decoder with RMS norms."""
    inner = shape.hidden * _matrices(shape)
    experts = shape.experts
    attention, bias = _attention(shape)
    dense_layers = shape.layers if experts is None else experts.dense_layers
    matrices = shape.layers * attention + dense_layers * inner * shape.intermediate
    plain = shape.layers * (bias + 2 * shape.hidden) + shape.hidden
    plain += shape.vocab * shape.hidden * (1 if shape.tied else 2)
    if experts is not None:
        sparse = shape.layers - experts.dense_layers
        matrices += sparse * inner * experts.size * (experts.routed + experts.shared)
        plain += sparse * shape.hidden * experts.routed
    if shape.latent is not None:
        plain += shape.layers * (shape.latent.kv_rank + shape.latent.q_rank)
    return Parameters(matrices, plain)


def _matrices(shape: Shape) -> int:
    """Matrices of an MLP."""
    return 3 if shape.gated else 2


def _attention(shape: Shape) -> tuple[int, int]:
    """Weights of one layer's attention, and its biases."""
    if shape.latent is not None:
        return _latent(shape, shape.latent), 0
    width, narrow = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    bias = width + 2 * narrow if shape.qkv_bias else 0
    return 2 * shape.hidden * (width + narrow), bias


def _latent(shape: Shape, latent: Latent) -> int:
    key = latent.nope_dim + latent.rope_dim
    query = shape.hidden * shape.heads * key
    if latent.q_rank:
        query = latent.q_rank * (shape.hidden + shape.heads * key)
    down = shape.hidden * latent.width
    up = latent.kv_rank * shape.heads * (latent.nope_dim + latent.value_dim)
    return query + down + up + shape.heads * latent.value_dim * shape.hidden


def weight_bytes(shape: Shape, packing: Packing) -> int:
    """Bytes of the weights once they are loaded."""
    count = parameters(shape)
    return -(-count.matrices * packing.bits // (8 * packing.group)) + 2 * count.plain


def active_width(shape: Shape) -> int:
    """Inner numbers that one token needs at once in its widest MLP."""
    experts: Experts | None = shape.experts
    if experts is None:
        return _matrices(shape) * shape.intermediate
    sparse = experts.chosen * (_matrices(shape) * experts.size + shape.hidden)
    return max(sparse, _matrices(shape) * shape.intermediate if experts.dense_layers else 0)
