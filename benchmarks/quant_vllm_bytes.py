"""Compare `hekaton_quant.native` with vLLM's own Triton store kernel, byte for byte.

Run by `make quant-bytes`, with the vLLM that `make e2e-vllm` installs and Triton beside it. The
kernel runs in Triton's interpreter, so no GPU is needed; the exit code is 1 if a byte differs.
"""

import os
import sys
import types
from pathlib import Path

os.environ["TRITON_INTERPRET"] = "1"  # before triton is imported, or kernels want a GPU
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "quant"))

import torch
from triton.backends import backends

from hekaton_quant.lloydmax import vllm_codebook
from hekaton_quant.native import native_head
from hekaton_quant.rotation import hadamard
from hekaton_quant.sizes import NATIVE, NativePreset

# vLLM switches its Triton import off on a CPU host unless a backend of this name is there.
backends["cpu"] = types.SimpleNamespace(driver=None, compiler=None)


def kernel_slots(preset: NativePreset, keys: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """keys, values: (tokens, heads, d) -> (tokens, heads, slot) uint8, by vLLM's kernel."""
    from vllm.model_executor.layers.quantization.turboquant.centroids import get_centroids
    from vllm.v1.attention.ops.triton_turboquant_store import triton_turboquant_store

    tokens, heads, size = keys.shape
    fp8 = preset.key_bits == 8
    bits = 4 if fp8 else preset.key_bits
    levels = get_centroids(size, bits)
    cache = torch.zeros(tokens // 16, 16, heads, preset.bytes_per_token(size), dtype=torch.uint8)
    triton_turboquant_store(
        keys,
        values,
        cache,
        torch.arange(tokens, dtype=torch.int32),
        hadamard(size).float(),
        (levels[:-1] + levels[1:]) / 2,
        bits,
        preset.key_bytes(size),
        preset.value_bits,
        fp8,
    )
    assert fp8 or torch.equal(levels, vllm_codebook(size, bits)), "the levels differ"
    return cache.view(tokens, heads, -1)


def differing(preset: NativePreset, size: int, dtype: torch.dtype) -> tuple[int, int]:
    """(bytes that differ, bytes compared) on random K with outliers and a mean."""
    random = torch.Generator().manual_seed(size)
    keys = torch.randn(32, 2, size, generator=random)
    keys[..., 3] = keys[..., 3] * 10 + 20
    values = torch.randn(32, 2, size, generator=random)
    keys, values = keys.to(dtype), values.to(dtype)
    theirs = kernel_slots(preset, keys, values)
    head = native_head(preset, size)
    pairs = zip(keys.unbind(1), values.unbind(1), strict=True)
    ours = torch.stack([head.encode(k, v, torch.arange(32)) for k, v in pairs], dim=1)
    wrong = ours != theirs
    if preset.key_bits == 8:
        wrong[..., :size] &= ~misread_fp8(ours[..., :size], theirs[..., :size], keys.float())
    return int(wrong.sum()), ours.numel()


def misread_fp8(ours: torch.Tensor, theirs: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Where Triton's interpreter rounds to fp8 unlike the hardware, which rounds to nearest even.

    It drops the carry when a mantissa rounds up to the next power of two (1.96 becomes 1.0, not
    2.0), cuts subnormal numbers off instead of rounding them, and takes ties away from even.
    """
    a, b = (t.contiguous().view(torch.float8_e4m3fn).float() for t in (ours, theirs))
    return (a == 2 * b) | (a.abs() <= 2**-6) | ((x - a).abs() == (x - b).abs())


def main() -> int:
    """Print a line for each preset, head size and dtype."""
    failed = False
    for preset in NATIVE:
        for size in (64, 128, 256):
            for dtype in (torch.float16, torch.float32):
                wrong, count = differing(preset, size, dtype)
                failed |= wrong > 0
                print(f"{preset.name} d={size} {dtype}: {wrong} of {count} bytes differ")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
