"""Make `--kv-cache-dtype` take our names.

vLLM 0.33 has `register_kv_cache_dtype` for it; 0.32 keeps the names in a closed Literal that its
command line, its config and its backend selector each check, so the same set is widened there.
"""

from dataclasses import fields
from typing import Any, Literal, get_args

import torch
import vllm.config.cache
import vllm.utils.torch_utils
import vllm.v1.attention.selector
from pydantic.dataclasses import rebuild_dataclass
from vllm.config import CacheConfig, VllmConfig

from hekaton_quant.vllm.formats import ADDED


def add_names() -> None:
    """Widen the set; again is no change."""
    module: Any = vllm.config.cache
    if set(ADDED) <= set(get_args(module.CacheDType)):
        return
    wide: Any = Literal[(*get_args(module.CacheDType), *ADDED)]
    module.CacheDType = wide
    selector: Any = vllm.v1.attention.selector
    selector.CacheDType = wide
    (field,) = (each for each in fields(CacheConfig) if each.name == "cache_dtype")
    field.type = wide
    CacheConfig.__annotations__["cache_dtype"] = wide
    rebuild_dataclass(CacheConfig, force=True)
    rebuild_dataclass(VllmConfig, force=True)  # it holds the other's checks
    vllm.utils.torch_utils.STR_DTYPE_TO_TORCH_DTYPE.update(dict.fromkeys(ADDED, torch.uint8))
