"""Memory of an engine beside weights and cache: activations, graphs, workspaces, the process. Pure.

None of it can be computed from first principles; each constant says where it comes from in
`facts/overhead.json`, and is an estimate that a run on the machine itself may correct.
"""

from dataclasses import dataclass

from hekaton_api.vram.shape import Shape
from hekaton_api.vram.storage import KvDtype
from hekaton_api.vram.weights import active_width

LATENT_TOKENS = 65_536
"""Tokens that vLLM expands at once in a chunked MLA prefill, at most."""
SPLITS = 32
"""Parts in which vLLM's turboquant kernel reads a sequence."""


@dataclass(frozen=True, slots=True)
class Constants:
    """The estimated figures."""

    process: int
    """Bytes of a CUDA context with its libraries."""
    cpu_process: int
    """Bytes of the server's processes where there is no GPU."""
    logit_bytes: int
    """Bytes per logit at the sampler's peak."""
    graph_bytes: int
    """Bytes of a captured graph per layer and batch size."""
    kept_rows: int
    """Hidden rows of 16 bits that are alive at the peak of an MLP."""


@dataclass(frozen=True, slots=True)
class Serving:
    """How an engine is run, as far as this memory depends on it."""

    context: int
    sequences: int
    batched: int
    """Most tokens of one step."""
    graphs: bool
    """Whether CUDA graphs are captured."""
    gpus: int = 1


def activations(shape: Shape, serving: Serving, constants: Constants) -> int:
    """Peak of one step: the widest MLP over a full batch, or the sampler over all sequences."""
    rows = 2 * serving.batched
    hidden = rows * shape.hidden
    mlp = rows * -(-active_width(shape) // serving.gpus) + constants.kept_rows * hidden
    sampler = serving.sequences * shape.vocab * constants.logit_bytes + 2 * hidden
    return max(mlp, sampler)


def sizes(sequences: int) -> int:
    """Batch sizes for which vLLM captures graphs."""
    most = min(2 * sequences, 512)
    found = {size for size in (1, 2, 4) if size <= most}
    found |= set(range(8, min(most + 1, 256), 8)) | set(range(256, most + 1, 16))
    return len(found)


def graphs(shape: Shape, serving: Serving, constants: Constants) -> int:
    """Memory of the captured graphs."""
    if not serving.graphs:
        return 0
    return sizes(serving.sequences) * shape.layers * constants.graph_bytes


def workspace(shape: Shape, dtype: KvDtype, serving: Serving) -> int:
    """Buffers of the attention backend."""
    if shape.latent is not None:
        latent = shape.latent
        rows = min(LATENT_TOKENS, max(8 * serving.context, 4 * serving.sequences * 64))
        expanded = shape.heads * (latent.nope_dim + latent.value_dim) // serving.gpus
        absorbed = shape.layers * latent.kv_rank * expanded
        return 2 * (rows * (latent.width + expanded) + absorbed)
    if dtype.plain:
        return 0
    heads = max(1, shape.heads // serving.gpus)
    partial = serving.sequences * heads * (SPLITS * (shape.head_dim + 1) + shape.head_dim) * 4
    unpacked = 4 * serving.context * max(1, shape.kv_heads // serving.gpus) * shape.head_dim
    return max(partial, unpacked)
