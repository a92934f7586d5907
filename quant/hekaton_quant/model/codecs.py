"""Codecs for every layer of a model: without data, from its biases, from a mean, calibrated."""

from collections.abc import Sequence

from hekaton_quant.calibration import basis
from hekaton_quant.codec import KeyMean, LayerCodec, trellis_layer
from hekaton_quant.model.statistics import Moments
from hekaton_quant.model.transformer import Transformer
from hekaton_quant.native import native_head
from hekaton_quant.rope import Rope
from hekaton_quant.sizes import NativePreset, TrellisPreset
from hekaton_quant.stored import HeadBases, layer_codecs, layer_sizes, planned_codecs

LayerMoments = Sequence[tuple[Moments, Moments]]


def model_rope(model: Transformer) -> Rope:
    """The rotation of the model's K."""
    return Rope(model.config.head_size, model.config.rope_base)


def native_layers(
    preset: NativePreset, model: Transformer, boundary: bool = False
) -> list[LayerCodec | None]:
    """A peer in every layer; with `boundary`, its first and last layers stay exact as in vLLM."""
    config = model.config
    layer = LayerCodec((native_head(preset, config.head_size),) * config.kv_heads)
    skipped = preset.boundary_layers if boundary else 0
    inside = range(skipped, config.layers - skipped)
    return [layer if i in inside else None for i in range(config.layers)]


def plain_layers(preset: TrellisPreset, model: Transformer) -> list[LayerCodec]:
    """Our preset with nothing known of the model."""
    config = model.config
    layer = trellis_layer(preset, config.head_size, [None] * config.kv_heads)
    return [layer] * config.layers


def bias_layers(preset: TrellisPreset, model: Transformer) -> list[LayerCodec]:
    """Our preset with the K bias of the weights taken away before RoPE: needs no data."""
    config, rope = model.config, model_rope(model)
    layers = []
    for attention in model.attentions():
        if not config.bias or config.head_norm:
            means: list[KeyMean | None] = [None] * config.kv_heads
        else:
            rows = attention.k_proj.bias.detach().view(config.kv_heads, config.head_size)
            means = [KeyMean(row, rope) for row in rows]
        layers.append(trellis_layer(preset, config.head_size, means))
    return layers


def mean_layers(
    preset: TrellisPreset, model: Transformer, moments: Sequence[LayerMoments]
) -> list[LayerCodec]:
    """Our preset with the K mean of a calibration text taken away before RoPE."""
    rope, size = model_rope(model), model.config.head_size
    return [
        trellis_layer(preset, size, [KeyMean(keys.mean, rope) for keys, _ in layer])
        for layer in moments
    ]


def model_bases(moments: Sequence[LayerMoments]) -> list[list[HeadBases]]:
    """The bases of every layer and KV head, which `hekaton_quant.stored` can keep in a file."""
    return [
        [(basis(k.mean, k.spread, k.weight), basis(v.mean, v.spread, v.weight)) for k, v in layer]
        for layer in moments
    ]


def calibrated_layers(
    preset: TrellisPreset,
    model: Transformer,
    moments: Sequence[LayerMoments],
    unbiased: bool = True,
) -> list[LayerCodec]:
    """Our preset's bytes in each head's own basis, bits shared by weight."""
    size = preset.bytes_per_token(model.config.head_size)
    return layer_codecs(model_bases(moments), size, model_rope(model), unbiased)


def planned_layers(
    preset: TrellisPreset, model: Transformer, moments: Sequence[LayerMoments]
) -> list[LayerCodec]:
    """The same bytes in all, shared among the layers by what each is expected to lose."""
    mean = preset.bytes_per_token(model.config.head_size)
    bases = model_bases(moments)
    sizes = layer_sizes(bases, mean, mean * 3 // 4, mean * 4 // 3)
    return planned_codecs(bases, sizes, model_rope(model))
