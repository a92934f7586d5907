"""Read a Hugging Face `config.json`: any decoder's shape, and the format of its weights. Pure.

What cannot be planned (state-space layers, an unknown format) is refused, with every reason.
"""

import json
from dataclasses import dataclass
from typing import Any

from hekaton_api.vram.shape import Experts, Latent, Shape

BIASED = ("qwen2", "qwen2_moe")
"""Model types whose Q, K and V have a bias though their configuration does not say so."""
ROUTED = ("n_routed_experts", "num_local_experts", "num_experts")


class Unplannable(ValueError):
    """A configuration from which no memory can be computed; `reasons` holds all of them."""

    def __init__(self, reasons: tuple[str, ...]) -> None:
        self.reasons = reasons
        super().__init__(" ".join(reasons))


@dataclass(frozen=True, slots=True)
class Read:
    """What a configuration says."""

    shape: Shape
    format: str
    """Format of the weights, as in `quantization`; none for 16 bits."""


def read_config(text: str, name: str) -> Read:
    """Read the text of a `config.json`; raises `Unplannable`."""
    try:
        outer = json.loads(text)
    except json.JSONDecodeError as fault:
        raise Unplannable((f"{name}: not JSON: {fault}. Give the model's config.json.",)) from fault
    if not isinstance(outer, dict):
        raise Unplannable((f"{name}: holds no object. Give the model's config.json.",))
    inner = outer.get("text_config")
    fields = {**outer, **inner} if isinstance(inner, dict) else outer
    if reasons := tuple(f"{name}: {reason}" for reason in _missing(fields)):
        raise Unplannable(reasons)
    try:
        return Read(_shape(fields, name), _format(outer.get("quantization_config")))
    except (KeyError, TypeError, ValueError) as fault:
        raise Unplannable((f"{name}: {fault} cannot be read as a number or a name.",)) from fault


def _missing(fields: dict[str, Any]) -> list[str]:
    needed = ("num_hidden_layers", "hidden_size", "num_attention_heads", "vocab_size")
    found = [f"{field!r} is missing. Give a decoder's config.json." for field in needed]
    found = [text for field, text in zip(needed, found, strict=True) if field not in fields]
    if "intermediate_size" not in fields and "moe_intermediate_size" not in fields:
        found.append("'intermediate_size' is missing. Give a decoder's config.json.")
    kinds = set(fields.get("layer_types") or ())
    strange = sorted(str(kind) for kind in kinds if "attention" not in str(kind))
    strange += [str(kind) for kind in kinds if "linear_attention" in str(kind)]
    if strange or any(field in fields for field in ("mamba_d_state", "ssm_cfg", "state_size")):
        said = ", ".join(strange) or "state-space"
        found.append(f"has {said} layers, whose state the planner does not know. Give weightsGiB.")
    return found


def _shape(fields: dict[str, Any], name: str) -> Shape:
    heads, hidden = int(fields["num_attention_heads"]), int(fields["hidden_size"])
    layers = int(fields["num_hidden_layers"])
    window, windowed = _windows(fields, layers)
    return Shape(
        name=name,
        layers=layers,
        hidden=hidden,
        heads=heads,
        kv_heads=int(fields.get("num_key_value_heads") or heads),
        head_dim=int(fields.get("head_dim") or hidden // heads),
        intermediate=int(fields.get("intermediate_size") or fields["moe_intermediate_size"]),
        vocab=int(fields["vocab_size"]),
        positions=int(fields.get("max_position_embeddings") or 0),
        tied=bool(fields.get("tie_word_embeddings", False)),
        qkv_bias=bool(fields.get("attention_bias", fields.get("model_type") in BIASED)),
        window=window,
        windowed_layers=windowed,
        latent=_latent(fields),
        experts=_experts(fields, layers),
    )


def _windows(fields: dict[str, Any], layers: int) -> tuple[int, int]:
    """The window and how many layers have it; one as wide as the longest context is none."""
    window = fields.get("sliding_window") or 0
    off = fields.get("use_sliding_window") is False
    if off or not window or window >= int(fields.get("max_position_embeddings") or 0):
        return 0, 0
    if kinds := fields.get("layer_types"):
        count = sum("sliding" in str(kind) for kind in kinds)
    elif pattern := fields.get("sliding_window_pattern"):
        count = layers - layers // int(pattern)
    elif "max_window_layers" in fields:
        count = max(0, layers - int(fields["max_window_layers"]))
    else:
        count = layers
    return (int(window), count) if count else (0, 0)


def _latent(fields: dict[str, Any]) -> Latent | None:
    if not fields.get("kv_lora_rank"):
        return None
    return Latent(
        kv_rank=int(fields["kv_lora_rank"]),
        rope_dim=int(fields["qk_rope_head_dim"]),
        nope_dim=int(fields["qk_nope_head_dim"]),
        value_dim=int(fields["v_head_dim"]),
        q_rank=int(fields.get("q_lora_rank") or 0),
    )


def _experts(fields: dict[str, Any], layers: int) -> Experts | None:
    routed = next((int(fields[field]) for field in ROUTED if fields.get(field)), 0)
    if not routed:
        return None
    size = int(fields.get("moe_intermediate_size") or fields["intermediate_size"])
    shared = int(fields.get("n_shared_experts") or 0)
    if wide := fields.get("shared_expert_intermediate_size"):
        shared = -(-int(wide) // size)
    dense = int(fields.get("first_k_dense_replace") or 0)
    chosen = int(fields.get("num_experts_per_tok") or 1)
    return Experts(routed, shared, chosen, size, min(dense, layers))


def _format(config: object) -> str:
    if not isinstance(config, dict):
        return "none"
    method = str(config.get("quant_method", ""))
    if method != "compressed-tensors":
        return method.removesuffix("_marlin") or "unknown"
    groups = config.get("config_groups")
    first: Any = next(iter(groups.values()), None) if isinstance(groups, dict) else None
    weights = (first or {}).get("weights") or {}
    if weights.get("type") == "float":
        return "fp8" if weights.get("num_bits") == 8 else "nvfp4"
    return "int8" if weights.get("num_bits") == 8 else "gptq"
