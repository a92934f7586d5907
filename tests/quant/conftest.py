"""Shared values of the codec's tests: random vectors and a small untrained model."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from hekaton_quant.model.config import ModelConfig
from hekaton_quant.model.transformer import Transformer


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Keep parallel test workers from fighting over the cores."""
    torch.set_num_threads(1)


@pytest.fixture
def gaussian() -> Callable[..., Tensor]:
    """Make a seeded (n, d) float32 tensor of N(0, 1)."""

    def make(count: int, size: int, seed: int = 0) -> Tensor:
        return torch.randn(count, size, generator=torch.Generator().manual_seed(seed))

    return make


@pytest.fixture
def tiny_config() -> ModelConfig:
    return ModelConfig(
        architecture="Qwen2ForCausalLM",
        vocabulary=40,
        hidden=32,
        inner=48,
        layers=2,
        heads=2,
        kv_heads=1,
        head_size=64,
        rope_base=10_000.0,
        norm_epsilon=1e-6,
        bias=True,
        head_norm=False,
        tied=True,
    )


@pytest.fixture
def tiny_model(tiny_config: ModelConfig) -> Transformer:
    """An untrained model whose attention matters: wide weights, K with a bias."""
    random = torch.Generator().manual_seed(5)
    model = Transformer(tiny_config)
    for weight in model.parameters():
        if weight.dim() == 2:
            torch.nn.init.normal_(weight, std=0.25, generator=random)
    for attention in model.attentions():
        torch.nn.init.normal_(attention.k_proj.bias, std=2.0, generator=random)
    return model.eval()
