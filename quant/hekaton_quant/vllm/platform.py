"""vLLM's CPU platform with packed KV pages: refuses early, and chooses our backend by KV dtype.

A layer whose KV dtype is not ours gets vLLM's own backend, untouched.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vllm.platforms.cpu import CpuPlatform

from hekaton_quant.errors import Unsupported
from hekaton_quant.stored import load_bases
from hekaton_quant.vllm.formats import SERVED
from hekaton_quant.vllm.limits import Asked, refused
from hekaton_quant.vllm.means import KeyBias, key_bias

CALIBRATION = "hekaton_calibration"
"""Key of `--additional-config` that names a calibration file."""
_BACKENDS = "hekaton_quant.vllm.backend"
_PARALLEL = (
    "tensor_parallel_size",
    "pipeline_parallel_size",
    "decode_context_parallel_size",
    "prefill_context_parallel_size",
)


class PackedCpu(CpuPlatform):  # type: ignore[misc]  # vLLM is not there where mypy runs
    """The CPU platform that serves our KV dtypes."""

    @classmethod
    def check_and_update_config(cls, vllm_config: Any) -> None:
        """Refuse with all reasons what a packed cache cannot serve, before any model is loaded."""
        super().check_and_update_config(vllm_config)
        if vllm_config.model_config is None:
            return
        if text := refused(asked(vllm_config)):
            raise ValueError(text)
        check_calibration(vllm_config)

    @classmethod
    def get_attn_backend_cls(
        cls, selected_backend: Any, attn_selector_config: Any, num_heads: int | None = None
    ) -> str:
        """Ours for our KV dtypes; `--attention-backend` has no say on a CPU."""
        name = attn_selector_config.kv_cache_dtype
        if name in SERVED:
            return f"{_BACKENDS}.{name.title().replace('_', '')}"
        stock: str = super().get_attn_backend_cls(selected_backend, attn_selector_config, num_heads)
        return stock


def bias_of(model_config: Any) -> KeyBias:
    """What a model's config says of its K bias."""
    return key_bias(model_config.hf_text_config.to_dict())


def asked(config: Any) -> Asked:
    """Read a whole VllmConfig."""
    model, cache = config.model_config, config.cache_config
    speculative = config.speculative_config
    return Asked(
        kv_cache_dtype=cache.cache_dtype,
        dtype=str(model.dtype),
        head_size=model.get_head_size(),
        block_size=cache.block_size,
        attention=tuple(_attention(model)),
        parallel=tuple(_parallel(config.parallel_config)),
        speculative=str(speculative.method) if speculative is not None else "",
        transfer=tuple(_transfer(config)),
        turned=bias_of(model).turned,
    )


def _attention(model: Any) -> Iterator[str]:
    text = model.hf_text_config
    kinds = set(getattr(text, "layer_types", None) or ()) - {"full_attention"}
    if model.use_mla:
        yield "Multi-head latent attention (MLA)"
    if model.get_sliding_window() is not None or "sliding_attention" in kinds:
        yield "A sliding window"
    if kinds - {"sliding_attention"}:
        yield f"Attention of kind {', '.join(sorted(kinds - {'sliding_attention'}))}"
    if model.is_hybrid or model.has_inner_state:
        yield "A hybrid with recurrent layers"
    if model.is_encoder_decoder:
        yield "Cross attention"
    if model.runner_type != "generate":
        yield f"A model run for {model.runner_type!r}"


def _parallel(parallel: Any) -> Iterator[str]:
    for field in _PARALLEL:
        if (value := getattr(parallel, field, 1)) > 1:
            yield f"--{field.replace('_', '-')} {value}"


def _transfer(config: Any) -> Iterator[str]:
    if config.kv_transfer_config is not None:
        yield f"A KV connector ({config.kv_transfer_config.kv_connector})"
    if config.cache_config.kv_offloading_size is not None:
        yield f"--kv-offloading-size {config.cache_config.kv_offloading_size}"


def calibration(config: Any) -> Path | None:
    """The calibration file of `--additional-config`, if one is named."""
    extra = config.additional_config
    name = extra.get(CALIBRATION) if isinstance(extra, Mapping) else None
    return Path(name) if isinstance(name, str) else None


def check_calibration(config: Any) -> None:
    """Refuse a calibration that is not there or is not this model's."""
    path, model = calibration(config), config.model_config
    if path is None:
        return
    if not path.is_file():
        raise ValueError(f"{CALIBRATION} is {str(path)!r}, which is no file; make one first.")
    try:
        bases = load_bases(path)
    except (Unsupported, OSError, ValueError) as error:
        raise ValueError(f"{CALIBRATION} {str(path)!r} cannot be read: {error}") from error
    parallel = config.parallel_config
    shape = (len(bases), len(bases[0]), len(bases[0][0][0].mean))
    wanted = (
        model.get_num_layers(parallel),
        model.get_num_kv_heads(parallel),
        model.get_head_size(),
    )
    if shape != wanted:
        raise ValueError(
            f"{CALIBRATION} {str(path)!r} is of a model of {shape[0]} layers with {shape[1]} KV heads "
            f"of {shape[2]}; this one has {wanted[0]}, {wanted[1]} and {wanted[2]}."
        )
