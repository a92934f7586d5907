"""Read a Hugging Face `config.json`: any decoder's shape, and the format of its weights. Pure.

What cannot be planned (state-space layers, figures that no model has) is refused, with every reason.
"""

import json
import re
import reprlib
from dataclasses import dataclass
from typing import Any

from hekaton_api.vram.figures import Fault, Figures
from hekaton_api.vram.shape import Experts, Latent, Shape

BIASED = ("qwen2", "qwen2_moe", "gpt2", "gpt_bigcode")
"""Model types whose Q, K and V have a bias though their configuration does not say so."""
UNGATED = ("gpt2", "gpt_bigcode", "gptj", "codegen", "starcoder2", "gpt_neox", "phi")
"""Model types whose MLP has two matrices, not three."""
ROUTED = ("n_routed_experts", "num_local_experts", "num_experts")
STATE = ("mamba_d_state", "ssm_cfg", "state_size", "ssm_state_size", "linear_attn_config")
"""Fields that only models with state-space or linear-attention layers have."""
METHOD = re.compile(r"[a-z0-9_-]{1,40}")
WHOLE = "Give the model's config.json."
ELSEWHERE = "Choose another model, or serve it yourself by engine: external."


class Unplannable(ValueError):
    """A configuration from which no memory can be computed, with all that is wrong."""

    def __init__(self, *faults: Fault) -> None:
        self.faults = faults
        super().__init__(" ".join(self.reasons))

    @property
    def reasons(self) -> tuple[str, ...]:
        """Each with its remedy, as sentences."""
        return tuple(map(str, self.faults))


@dataclass(frozen=True, slots=True)
class Read:
    """What a configuration says."""

    shape: Shape
    format: str
    """Format of the weights, as in `quantization`; none for 16 bits."""


def read_config(text: str, name: str) -> Read:
    """Read the text of a `config.json`; raises `Unplannable`, and nothing else whatever it holds."""
    outer = _object(text, name)
    inner = outer.get("text_config")
    figures = Figures({**outer, **inner} if isinstance(inner, dict) else outer, name)
    if said := _stateful(figures.fields):
        reason = f"{name}: has {said} layers, whose state the planner does not know"
        raise Unplannable(Fault(reason, ELSEWHERE))
    read = Read(_shape(figures), _format(figures, outer.get("quantization_config")))
    if figures.faults:
        raise Unplannable(*figures.faults)
    return read


def _object(text: str, name: str) -> dict[str, Any]:
    try:
        outer = json.loads(text)
    except (ValueError, RecursionError) as fault:  # also a number of thousands of digits
        raise Unplannable(Fault(f"{name}: not JSON: {str(fault).rstrip('.')}", WHOLE)) from fault
    if not isinstance(outer, dict):
        raise Unplannable(Fault(f"{name}: holds no object", WHOLE))
    return outer


def _stateful(fields: Any) -> str:
    """The kinds of layers that keep a state in place of K and V; empty where all keep these."""
    kinds = fields.get("layer_types")
    listed = [each for each in kinds if isinstance(each, str)] if isinstance(kinds, list) else []
    strange = {each for each in listed if "attention" not in each or "linear_attention" in each}
    if strange:
        return ", ".join(reprlib.repr(each) for each in sorted(strange)[:4])
    interval = fields.get("full_attention_interval")
    if interval is not None and interval != 1 and not listed:
        return "linear_attention"
    kind = fields.get("model_type")
    told = any(fields.get(field) is not None for field in STATE)
    return "state-space" if told or (isinstance(kind, str) and "mamba" in kind) else ""


def _shape(figures: Figures) -> Shape:
    heads, hidden = figures.needed("num_attention_heads"), figures.needed("hidden_size")
    layers, vocab = figures.needed("num_hidden_layers"), figures.needed("vocab_size")
    kind = figures.fields.get("model_type")
    window, windowed = _windows(figures, layers)
    return Shape(
        name=figures.file,
        layers=layers,
        hidden=hidden,
        heads=heads,
        kv_heads=_kv_heads(figures, heads),
        head_dim=_head_dim(figures, hidden, heads),
        intermediate=_intermediate(figures, hidden),
        vocab=vocab,
        positions=figures.whole("max_position_embeddings") or 0,
        tied=figures.flag("tie_word_embeddings", kind in ("gpt2", "gpt_bigcode")),
        qkv_bias=figures.flag("attention_bias", kind in BIASED),
        gated=kind not in UNGATED,
        window=window,
        windowed_layers=windowed,
        latent=_latent(figures),
        experts=_experts(figures, layers),
    )


def _kv_heads(figures: Figures, heads: int) -> int:
    if (found := figures.whole("num_key_value_heads")) is not None:
        return found
    one = figures.fields.get("model_type") == "gpt_bigcode"
    return 1 if figures.older and figures.flag("multi_query", one) else heads


def _head_dim(figures: Figures, hidden: int, heads: int) -> int:
    if (found := figures.whole("head_dim")) is not None:
        return found
    if hidden < heads and not figures.faults:
        figures.fault(f"'hidden_size' is {hidden}, less than one for each of {heads} heads")
    return max(1, hidden // heads)


def _intermediate(figures: Figures, hidden: int) -> int:
    found = figures.whole("intermediate_size") or figures.whole("moe_intermediate_size")
    if found is None and figures.older:
        return 4 * hidden
    return found or figures.needed("intermediate_size")


def _windows(figures: Figures, layers: int) -> tuple[int, int]:
    """The window and how many layers have it; one as wide as the longest context is none."""
    kinds = figures.fields.get("layer_types")
    if kinds is not None and not _kinds(kinds, layers):
        said = f"'layer_types' is {reprlib.repr(kinds)}, not a list of words for {layers} layers"
        figures.fault(said)
        return 0, 0
    if not figures.flag("use_sliding_window", True):
        return 0, 0
    window = figures.whole("sliding_window", 0) or 0
    if window >= (figures.whole("max_position_embeddings") or 0):
        return 0, 0
    first = figures.whole("max_window_layers", 0)
    if kinds is not None:
        count = sum("sliding" in each for each in kinds[:layers])
    elif pattern := figures.whole("sliding_window_pattern"):
        count = layers - layers // pattern
    else:
        count = max(0, layers - (first or 0))
    return (window, count) if window and count else (0, 0)


def _kinds(kinds: object, layers: int) -> bool:
    """Whether each layer has a kind; more of them are those of layers for drafts."""
    listed = isinstance(kinds, list) and all(isinstance(each, str) for each in kinds)
    return listed and len(kinds) >= layers  # type: ignore[arg-type]


def _latent(figures: Figures) -> Latent | None:
    if not (rank := figures.whole("kv_lora_rank", 0)):
        return None
    return Latent(
        kv_rank=rank,
        rope_dim=figures.needed("qk_rope_head_dim"),
        nope_dim=figures.needed("qk_nope_head_dim"),
        value_dim=figures.needed("v_head_dim"),
        q_rank=figures.whole("q_lora_rank", 0) or 0,
    )


def _experts(figures: Figures, layers: int) -> Experts | None:
    if not (routed := next(filter(None, (figures.whole(each, 0) for each in ROUTED)), 0)):
        return None
    size = figures.whole("moe_intermediate_size") or figures.whole("intermediate_size") or 1
    shared = figures.whole("n_shared_experts", 0) or 0
    if wide := figures.whole("shared_expert_intermediate_size", 0):
        shared = -(-wide // size)
    dense = figures.whole("first_k_dense_replace", 0) or 0
    chosen = figures.whole("num_experts_per_tok", 0) or 1
    return Experts(routed, shared, chosen, size, min(dense, layers))


def _format(figures: Figures, config: object) -> str:
    if config is None:
        return "none"
    if not isinstance(config, dict):
        figures.fault(f"'quantization_config' is {reprlib.repr(config)}, not an object", WHOLE)
        return "unknown"
    method = config.get("quant_method")
    if not isinstance(method, str) or not METHOD.fullmatch(method):
        return "unknown"
    if method != "compressed-tensors":
        return method.removesuffix("_marlin")
    groups = config.get("config_groups")
    parts = list(groups.values()) if isinstance(groups, dict) else [groups]
    weights = [each.get("weights") if isinstance(each, dict) else each for each in parts]
    if not all(isinstance(each, dict) for each in weights):
        said = f"'config_groups' is {reprlib.repr(groups)}, not an object of groups with 'weights'"
        figures.fault(said, WHOLE)
        return "unknown"
    return _packed(weights[0]) if weights else "none"


def _packed(weights: Any) -> str:
    """The format that a group of compressed-tensors amounts to."""
    bits = 8 if weights.get("num_bits") == 8 else 4
    if weights.get("type") == "float":
        return "fp8" if bits == 8 else "nvfp4"
    return "int8" if bits == 8 else "gptq"
