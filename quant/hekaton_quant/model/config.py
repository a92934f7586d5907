"""The few facts of a Hugging Face model folder that attention over a KV cache depends on.

Reads `config.json` of the Llama family (Llama, Mistral, Qwen2, Qwen3); everything else is refused
with all reasons, because a wrong reading would show up as a quality loss of the codec.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from hekaton_quant.errors import Unsupported

KNOWN = ("LlamaForCausalLM", "MistralForCausalLM", "Qwen2ForCausalLM", "Qwen3ForCausalLM")


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """A decoder of the Llama family."""

    architecture: str
    vocabulary: int
    hidden: int
    inner: int
    layers: int
    heads: int
    kv_heads: int
    head_size: int
    rope_base: float
    norm_epsilon: float
    bias: bool
    """Whether the Q, K and V projections carry a bias, as in Qwen2."""
    head_norm: bool
    """Whether Q and K are normalised per head before RoPE, as in Qwen3."""
    tied: bool

    @property
    def group(self) -> int:
        """Query heads that share one KV head."""
        return self.heads // self.kv_heads


def refusals(raw: dict[str, object]) -> list[str]:
    """Say why a parsed `config.json` cannot be read; an empty list means that it can."""
    names = raw.get("architectures")
    name = names[0] if isinstance(names, list) and names else None
    reasons = []
    if name not in KNOWN:
        reasons.append(f"architectures is {names!r}; this harness reads {', '.join(KNOWN)}.")
    scaling = raw.get("rope_scaling")
    if scaling and dict(scaling).get("rope_type", "default") != "default":  # type: ignore[call-overload]
        reasons.append(f"rope_scaling {scaling!r} is not implemented; use a model with plain RoPE.")
    if raw.get("use_sliding_window"):
        reasons.append("use_sliding_window is true; only full attention is implemented.")
    needed = ("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers")
    for field in (*needed, "num_attention_heads"):
        if not isinstance(raw.get(field), int):
            reasons.append(f"{field} is {raw.get(field)!r} in config.json; it must be an integer.")
    return reasons


def _integer(raw: dict[str, object], field: str, default: int) -> int:
    value = raw.get(field)
    return value if isinstance(value, int) else default


def _number(raw: dict[str, object], field: str, default: float) -> float:
    value = raw.get(field)
    return float(value) if isinstance(value, int | float) else default


def _rope_base(raw: dict[str, object]) -> float:
    nested = raw.get("rope_parameters") or raw.get("rope_scaling") or {}
    inner = nested if isinstance(nested, dict) else {}
    return _number(raw, "rope_theta", _number(inner, "rope_theta", 10_000.0))


def read_config(folder: Path) -> ModelConfig:
    """Read `config.json` of a model folder, or refuse it with every reason."""
    path = folder / "config.json"
    if not path.is_file():
        raise Unsupported([f"{path} does not exist; give a Hugging Face model folder."])
    raw = json.loads(path.read_text(encoding="utf-8"))
    if reasons := refusals(raw):
        raise Unsupported(reasons)
    name = raw["architectures"][0]
    heads = raw["num_attention_heads"]
    return ModelConfig(
        architecture=name,
        vocabulary=raw["vocab_size"],
        hidden=raw["hidden_size"],
        inner=raw["intermediate_size"],
        layers=raw["num_hidden_layers"],
        heads=heads,
        kv_heads=_integer(raw, "num_key_value_heads", heads),
        head_size=_integer(raw, "head_dim", raw["hidden_size"] // heads),
        rope_base=_rope_base(raw),
        norm_epsilon=_number(raw, "rms_norm_eps", 1e-6),
        bias=name == "Qwen2ForCausalLM" or bool(raw.get("attention_bias")),
        head_norm=name == "Qwen3ForCausalLM",
        tied=bool(raw.get("tie_word_embeddings")),
    )


def write_config(config: ModelConfig, folder: Path, longest: int) -> None:
    """Write the `config.json` that `read_config` and vLLM read; `longest` in tokens."""
    raw = {
        "architectures": [config.architecture],
        "model_type": config.architecture.removesuffix("ForCausalLM").lower(),
        "vocab_size": config.vocabulary,
        "hidden_size": config.hidden,
        "intermediate_size": config.inner,
        "num_hidden_layers": config.layers,
        "num_attention_heads": config.heads,
        "num_key_value_heads": config.kv_heads,
        "head_dim": config.head_size,
        "rope_theta": config.rope_base,
        "rms_norm_eps": config.norm_epsilon,
        "tie_word_embeddings": config.tied,
        "max_position_embeddings": longest,
        "hidden_act": "silu",
        "torch_dtype": "bfloat16",
        "bos_token_id": None,
        "eos_token_id": 0,
    }
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(raw, indent=2) + "\n"
    (folder / "config.json").write_text(text, encoding="utf-8")
