"""The same function with outlier channels in K, as large models have them.

A pair of channels that RoPE turns together is scaled up in K and down in Q, so that every logit
stays as it was while a codec sees a few channels many times larger than the rest.
"""

import copy

import torch
from torch import nn

from hekaton_quant.model.transformer import Transformer


@torch.no_grad()
def with_outliers(
    model: Transformer, pairs: int = 3, factor: float = 8.0, seed: int = 0
) -> Transformer:
    """Return a copy of the model with `pairs` scaled channel pairs in every KV head."""
    twin = copy.deepcopy(model)
    random = torch.Generator().manual_seed(seed)
    size, group = model.config.head_size, model.config.group
    for attention in twin.attentions():
        for head in range(model.config.kv_heads):
            chosen = torch.randperm(size // 2, generator=random)[:pairs]
            for channel in (*chosen.tolist(), *(chosen + size // 2).tolist()):
                _scale_row(attention.k_proj, head * size + channel, factor)
                for query in range(head * group, (head + 1) * group):
                    _scale_row(attention.q_proj, query * size + channel, 1 / factor)
    return twin


def _scale_row(linear: nn.Linear, row: int, factor: float) -> None:
    linear.weight[row] *= factor
    if linear.bias is not None:
        linear.bias[row] *= factor
