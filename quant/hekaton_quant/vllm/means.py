"""What the plugin knows of a model's K before any text: its K bias, and how RoPE turns it. No vLLM."""

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from hekaton_quant.codec import KeyMean
from hekaton_quant.errors import Unsupported
from hekaton_quant.model.weights import read_folder
from hekaton_quant.rope import Rope

_BIAS = re.compile(r"\.layers\.(\d+)\.(?:self_attn|attention)\.k_proj\.bias$")


@dataclass(frozen=True, slots=True)
class KeyBias:
    """Whether a model's K projection has a bias, and the RoPE that follows it."""

    present: bool
    base: float = 10_000.0
    turned: str = ""
    """Why the bias cannot be followed through RoPE, or nothing."""


def key_bias(config: Mapping[str, object]) -> KeyBias:
    """Read a model's text config, as a plain mapping."""
    model = str(config.get("model_type", ""))
    present = bool(config.get("attention_bias", model.startswith("qwen2")))
    nested = config.get("rope_parameters") or config.get("rope_scaling") or {}
    rope = nested if isinstance(nested, Mapping) else {}
    base = rope.get("rope_theta", config.get("rope_theta", 10_000.0))
    kind = rope.get("rope_type", "default")
    share = rope.get("partial_rotary_factor", config.get("partial_rotary_factor", 1.0))
    faults = [f"rope_type {kind!r}"] if kind != "default" else []
    faults += [f"partial_rotary_factor {share!r}"] if share not in (None, 1, 1.0) else []
    faults += ["multimodal positions"] if "mrope_section" in rope else []
    turned = ""
    if present and faults:
        turned = f"The K bias cannot be taken away before RoPE with {' and '.join(faults)}."
    return KeyBias(present, float(base) if isinstance(base, int | float) else 10_000.0, turned)


@functools.cache
def biases(folder: Path) -> Mapping[int, Tensor]:
    """The K bias of each layer, (kv_heads * head_size,), from a folder's safetensors files."""
    found = {}
    for name, tensor in read_folder(folder, lambda name: _BIAS.search(name) is not None):
        match = _BIAS.search(name)
        if match is not None:
            found[int(match[1])] = tensor
    return found


def key_means(folder: Path, layer: int, heads: int, rope: Rope) -> Sequence[KeyMean]:
    """The K bias of one layer as what a codec takes away, one for each KV head."""
    bias = biases(folder).get(layer)
    if bias is None or bias.numel() != heads * rope.head_size:
        size = "none" if bias is None else f"one of {bias.numel()} numbers"
        wanted = f"{heads} heads of {rope.head_size}"
        raise Unsupported(
            [f"Layer {layer} must have a K bias of {wanted}; {folder} holds {size} of that name."]
        )
    return [KeyMean(row, rope) for row in bias.float().view(heads, rope.head_size)]
