"""What the plugin cannot serve, told all at once before a server loads its model. Pure."""

from dataclasses import dataclass

from hekaton_quant.vllm.formats import ADDED, SERVED, head_sizes

CORRUPTING = ("int4_per_token_head", "int8_per_token_head", "fp8_per_token_head", "ultraquant_4bit")
"""Names that vLLM's CPU backend takes for 16 bits while the pages are smaller."""
MODEL_DTYPES = ("torch.bfloat16", "torch.float16", "torch.float32")
SIMULTANEOUS = 32
"""vLLM's CPU kernel reads pages in groups of so many tokens."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a server was started with, as far as a packed cache depends on it."""

    kv_cache_dtype: str
    dtype: str
    head_size: int
    block_size: int
    attention: tuple[str, ...] = ()
    """Kinds of attention beside the plain causal one: "MLA", "a sliding window", ..."""
    parallel: tuple[str, ...] = ()
    """Flags that spread the model or its cache over processes, with their values."""
    speculative: str = ""
    """The method of speculative decoding, or nothing."""
    transfer: tuple[str, ...] = ()
    """What reads or moves the cache's pages: connectors, offloading."""
    turned: str = ""
    """Why a K mean cannot be moved through RoPE, or nothing; matters where there is one."""


def refusals(asked: Asked) -> list[str]:
    """Say everything that stands against serving; an empty list means that it can be done."""
    name = asked.kv_cache_dtype
    if name in CORRUPTING or name.startswith("nvfp4"):
        return [
            f"vLLM's CPU backend would write 16-bit vectors into the smaller pages of {name!r} and "
            f"corrupt memory; use auto, fp8 or one of {', '.join(ADDED)}."
        ]
    if name not in SERVED:
        return []
    reasons = [*_shapes(asked)]
    reasons += [
        f"{kind} is not supported; only causal decoder attention." for kind in asked.attention
    ]
    reasons += [f"{flag} is not supported; start one process a model." for flag in asked.parallel]
    if asked.speculative:
        reasons.append(f"Speculative decoding ({asked.speculative}) is not supported; turn it off.")
    reasons += [
        f"{what} is not supported; packed pages stay where they are." for what in asked.transfer
    ]
    if asked.turned:
        reasons.append(asked.turned)
    return reasons


def _shapes(asked: Asked) -> list[str]:
    reasons = []
    known = head_sizes(asked.kv_cache_dtype)
    if asked.head_size not in known:
        sizes = ", ".join(map(str, known))
        reasons.append(f"The head size is {asked.head_size}; {asked.kv_cache_dtype} has {sizes}.")
    if asked.dtype not in MODEL_DTYPES:
        reasons.append(f"The model's dtype is {asked.dtype}; use bfloat16, float16 or float32.")
    if asked.block_size % SIMULTANEOUS:
        reasons.append(
            f"--block-size is {asked.block_size}; give a multiple of {SIMULTANEOUS}, such as 128."
        )
    return reasons


def refused(asked: Asked) -> str:
    """The refusal as one text for a log, or nothing."""
    reasons = refusals(asked)
    if not reasons:
        return ""
    head = f"hekaton_quant cannot serve --kv-cache-dtype {asked.kv_cache_dtype} here:"
    return "\n".join([head, *(f"- {reason}" for reason in reasons)])
