"""Second moments of a model's K and V, and of the likelihood's slope along them.

The slope is taken at labels drawn from the model itself, so its second moment is the Fisher
matrix: to second order, half of e' F e is the KL that an error e in a cached vector causes.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from hekaton_quant.model.transformer import Seen, Transformer
from hekaton_quant.rope import Rope


@dataclass(frozen=True, slots=True)
class Moments:
    """Statistics of the vectors of one side (K or V) of one head, all (d,) or (d, d) float32."""

    mean: Tensor
    """Of K before RoPE, of V as it is."""
    spread: Tensor
    """Second moment after the mean is taken away; of K after RoPE."""
    weight: Tensor
    """Second moment of the slope, of K after RoPE."""


@dataclass
class _Recorder:
    """A cache that keeps the tensors it is shown, so that their slopes can be read."""

    keys: list[Tensor] = field(default_factory=list)
    values: list[Tensor] = field(default_factory=list)

    def see(self, layer: int, keys: Tensor, values: Tensor) -> Seen:
        keys.retain_grad()
        values.retain_grad()
        self.keys.append(keys)
        self.values.append(values)
        return Seen(keys, values)


def _means(model: Transformer, ids: Tensor) -> Tensor:
    """(layers, 2, kv_heads, d): mean K before RoPE and mean V over the text."""
    config = model.config
    rope = Rope(config.head_size, config.rope_base)
    total = torch.zeros(config.layers, 2, config.kv_heads, config.head_size)
    for row in ids:
        recorder = _Recorder()
        with torch.enable_grad():
            model(row[None, :-1], recorder)
        positions = torch.arange(len(row) - 1)
        for i, (keys, values) in enumerate(zip(recorder.keys, recorder.values, strict=True)):
            total[i, 0] += rope.rotate(keys[0].detach(), -positions).mean(dim=1)
            total[i, 1] += values[0].detach().mean(dim=1)
    return total / len(ids)


def measure(model: Transformer, ids: Tensor, seed: int = 0) -> list[list[tuple[Moments, Moments]]]:
    """ids: (sequences, tokens + 1) -> for each layer and KV head, the moments of K and of V."""
    config = model.config
    rope = Rope(config.head_size, config.rope_base)
    means = _means(model, ids)
    random = torch.Generator().manual_seed(seed)
    shape = (config.layers, 2, config.kv_heads, config.head_size, config.head_size)
    spread, weight = torch.zeros(shape), torch.zeros(shape)
    for row in ids:
        recorder = _Recorder()
        logs = model(row[None, :-1], recorder)[0].log_softmax(dim=-1)
        drawn = torch.multinomial(logs.detach().exp(), 1, generator=random)
        torch.autograd.backward(logs.gather(1, drawn).sum())
        positions = torch.arange(len(row) - 1)
        for i, pair in enumerate(zip(recorder.keys, recorder.values, strict=True)):
            for side, tensor in enumerate(pair):
                mean = means[i, side].unsqueeze(1).expand(-1, len(positions), -1)
                x = tensor[0].detach() - (rope.rotate(mean, positions) if side == 0 else mean)
                slope = tensor.grad
                if slope is None:
                    raise RuntimeError("The model does not read the cache it was given.")
                spread[i, side] += x.mT @ x
                weight[i, side] += slope[0].mT @ slope[0]
    model.zero_grad()
    count = len(ids) * (ids.shape[1] - 1)
    return [
        [
            (
                Moments(means[i, 0, h], spread[i, 0, h] / count, weight[i, 0, h] / count),
                Moments(means[i, 1, h], spread[i, 1, h] / count, weight[i, 1, h] / count),
            )
            for h in range(config.kv_heads)
        ]
        for i in range(config.layers)
    ]
