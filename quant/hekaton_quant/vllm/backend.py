"""Packed K and V in vLLM's pages, attended to by vLLM's own CPU kernel.

A step encodes its new tokens into the pages, decodes what its requests may look at into a scratch
cache of 16 or 32 bits that lives for one layer of one step, and hands that to the stock kernel with
a renumbered block table. So batching, chunked prompts, cached prefixes and resumed requests are
vLLM's own arithmetic, and a token always sees what a later step will see of it.
"""

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, ClassVar

import torch
from huggingface_hub import snapshot_download
from torch import Tensor
from vllm import _custom_ops as ops
from vllm.config import get_current_vllm_config
from vllm.model_executor.models.utils import extract_layer_index
from vllm.v1.attention.backends.cpu_attn import (
    CPUAttentionBackend,
    CPUAttentionBackendImpl,
    CPUAttentionMetadata,
    CPUAttentionMetadataBuilder,
)

from hekaton_quant.codec import LayerCodec
from hekaton_quant.rope import Rope
from hekaton_quant.stored import layer_codecs, load_bases
from hekaton_quant.vllm.formats import layer_codec, slot_bytes
from hekaton_quant.vllm.means import key_means
from hekaton_quant.vllm.pages import Reading, reading
from hekaton_quant.vllm.platform import bias_of, calibration


@dataclass
class PackedMetadata(CPUAttentionMetadata):  # type: ignore[misc]  # vLLM is not there for mypy
    """What the stock kernel needs of a step, and which slots of the pages it touches."""

    step: Reading | None = None


class PackedBuilder(CPUAttentionMetadataBuilder):  # type: ignore[misc]
    """Plans a step once for all layers."""

    def __init__(self, spec: Any, layer_names: Any, vllm_config: Any, device: Any) -> None:
        super().__init__(spec, layer_names, vllm_config, device)
        self.kv_cache_dtype = "auto"  # of the scratch cache, which is all that the kernel sees

    def build(
        self, common_prefix_len: int, common_attn_metadata: Any, fast_build: bool = False
    ) -> PackedMetadata:
        stock = super().build(common_prefix_len, common_attn_metadata, fast_build)
        known = {field.name: getattr(stock, field.name) for field in fields(stock)}
        step = reading(stock.block_table, stock.seq_lens, stock.query_start_loc, self.block_size)
        return PackedMetadata(**known, step=step)


class PackedImpl(CPUAttentionBackendImpl):  # type: ignore[misc]
    """One layer's attention over packed pages."""

    def __init__(self, *words: Any, **named: Any) -> None:
        # The seventh is the KV dtype; the operators below would take ours for 16 bits anyway.
        super().__init__(*words[:6], "auto", *words[7:], **named)
        self.format = str(words[6])
        self.config = get_current_vllm_config()
        self.codec: LayerCodec | None = None

    def forward(
        self,
        layer: Any,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        kv_cache: Tensor,
        attn_metadata: Any,
        output: Tensor,
        output_scale: Tensor | None = None,
        output_block_scale: Tensor | None = None,
    ) -> Tensor:
        """query, key, value: (tokens, heads, d); kv_cache: (blocks, kv_heads, size, slot) uint8."""
        codec = self.codec or self._coded(layer)
        if attn_metadata is None:  # warming up
            return output
        step: Reading = attn_metadata.step
        self._write(codec, key, value, kv_cache, attn_metadata)
        slots = kv_cache[step.block, :, step.offset]
        keys, values = codec.decode(slots, step.position)
        scratch = self._scratch(layer, keys.to(query.dtype), values.to(query.dtype), step, kv_cache)
        seen = replace(attn_metadata, block_table=step.table)
        done: Tensor = super().forward(
            layer, query, key, value, scratch, seen, output, output_scale, output_block_scale
        )
        return done

    def _coded(self, layer: Any) -> LayerCodec:
        """Make the codec at the first call, which is vLLM's warm-up: before, no layer has a name."""
        config, number = self.config, extract_layer_index(layer.layer_name)
        model, bias = config.model_config, bias_of(config.model_config)
        rope = Rope(self.head_size, bias.base)
        if (path := calibration(config)) is not None:
            size = slot_bytes(self.format, self.head_size)
            self.codec = layer_codecs([load_bases(path)[number]], size, rope)[0]
            return self.codec
        means: Any = [None] * self.num_kv_heads
        if bias.present and config.load_config.load_format != "dummy":
            means = key_means(model_folder(model), number, self.num_kv_heads, rope)
        self.codec = layer_codec(self.format, self.head_size, means)
        return self.codec

    def _write(
        self, codec: LayerCodec, key: Tensor, value: Tensor, kv_cache: Tensor, meta: PackedMetadata
    ) -> None:
        """Encode the step's tokens into their slots; a slot of -1 is padding."""
        assert meta.step is not None
        count = len(meta.step.written)
        slot = meta.slot_mapping[:count].to(torch.int64)
        real = slot >= 0
        slot = slot[real]
        packed = codec.encode(key[:count][real], value[:count][real], meta.step.written[real])
        size = kv_cache.shape[2]
        kv_cache[slot // size, :, slot % size] = packed

    def _scratch(
        self, layer: Any, keys: Tensor, values: Tensor, step: Reading, kv_cache: Tensor
    ) -> Tensor:
        """keys, values: (tokens, kv_heads, d) -> a cache of `step.blocks` blocks as the kernel's."""
        _, heads, size, _ = kv_cache.shape
        shape = (step.blocks, heads, size, 2 * self.head_size)
        scratch = torch.zeros(shape, dtype=keys.dtype)
        halves = scratch.view(step.blocks, heads, 2 * size, self.head_size).chunk(2, dim=2)
        ops.cpu_attn_reshape_and_cache(keys, values, *halves, step.slot, layer.isa)
        return scratch


def model_folder(model: Any) -> Path:
    """Where the weights lie: the folder that was given, or the hub's copy of a name."""
    folder = Path(model.model)
    if folder.is_dir():
        return folder
    return Path(snapshot_download(model.model, revision=model.revision, local_files_only=True))


class PackedBackend(CPUAttentionBackend):  # type: ignore[misc]
    """Serves one KV dtype; vLLM makes the pages of the size that `customize_spec` says."""

    forward_includes_kv_cache_update: bool = True
    format: ClassVar[str]

    @staticmethod
    def get_impl_cls() -> type[PackedImpl]:
        return PackedImpl

    @staticmethod
    def get_builder_cls() -> type[PackedBuilder]:
        return PackedBuilder

    @classmethod
    def supports_kv_cache_dtype(cls, kv_cache_dtype: str | None) -> bool:
        return kv_cache_dtype == cls.format

    @classmethod
    def supports_sliding_window(cls) -> bool:
        return False

    @classmethod
    def supports_kv_connector(cls) -> bool:
        return False

    @classmethod
    def customize_spec(cls, spec: Any) -> Any:
        """Pages of exactly the codec's bytes."""
        size = slot_bytes(cls.format, spec.head_size)
        return replace(spec, dtype=torch.uint8, state_content_bytes=size)


class Tq4X(PackedBackend):
    format = "tq4x"


class Tq5X(PackedBackend):
    format = "tq5x"


class Tq6X(PackedBackend):
    format = "tq6x"


class TqExact(PackedBackend):
    format = "tq_exact"


class TurboquantK8V4(PackedBackend):
    format = "turboquant_k8v4"


class Turboquant4BitNc(PackedBackend):
    format = "turboquant_4bit_nc"


class TurboquantK3V4Nc(PackedBackend):
    format = "turboquant_k3v4_nc"


class Turboquant3BitNc(PackedBackend):
    format = "turboquant_3bit_nc"
