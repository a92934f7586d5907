"""Compare planned KV caches with what vLLM itself allots, for several architectures and KV dtypes.

Run with a Python that has vLLM (CPU will do: weights are dummies of real layer and head counts):
`PYTHONPATH=crds python benchmarks/vram/against_vllm.py`. Prints a table; exits 1 on any
difference. Names of cases as arguments leave out the others.
Presets that need a GPU are compared through vLLM's own layout functions, without an engine.
"""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from hekaton_api.vram.cache import cache
from hekaton_api.vram.catalog import shipped
from hekaton_api.vram.config import read_config

POOL = 1 << 30
CONTEXT = 1024
SMALL = {"hidden_size": 256, "intermediate_size": 256, "vocab_size": 1024}
"""Weights do not matter here; layers, KV heads and head size are the real ones."""


NEEDS_AVX512 = "FP8 KV cache on CPU requires"


@dataclass(frozen=True, slots=True)
class Case:
    """One engine to start."""

    name: str
    config: dict[str, object]
    dtype: str = "auto"


def config(
    layers: int, kv_heads: int, head_dim: int, kind: str = "qwen2", **more: object
) -> dict[str, object]:
    names = {"qwen2": "Qwen2ForCausalLM", "llama": "LlamaForCausalLM", "qwen3": "Qwen3ForCausalLM"}
    return {
        "architectures": [names[kind]], "model_type": kind, "num_hidden_layers": layers, "head_dim": head_dim,
        "num_attention_heads": 2 * kv_heads, "num_key_value_heads": kv_heads, "hidden_act": "silu",
        "max_position_embeddings": CONTEXT, "rms_norm_eps": 1e-6, "rope_theta": 1e6, "torch_dtype": "bfloat16",
        **SMALL, "hidden_size": 2 * kv_heads * head_dim if kind == "qwen2" else 256, **more,
    }  # fmt: skip


CASES = (
    Case("qwen2.5-0.5b", config(24, 2, 64)),
    Case("qwen2.5-7b", config(28, 4, 128)),
    Case("qwen2.5-7b fp8", config(28, 4, 128), "fp8"),
    Case("qwen2.5-32b", config(64, 8, 128)),
    Case("deepseek-coder-6.7b (MHA)", config(32, 32, 128, "llama")),
    Case("phi-4 (10 KV heads)", config(40, 10, 128, "llama", hidden_size=320)),
    Case("qwen3 with heads of 256", config(16, 2, 256, "qwen3")),
)
PRESETS = ("turboquant_k8v4", "turboquant_4bit_nc", "turboquant_k3v4_nc", "turboquant_3bit_nc")


def planned(case: Case, block: int) -> int:
    """Blocks in the pool by our reckoning, for the block size that this vLLM chose."""
    shape = read_config(json.dumps(case.config), case.name).shape
    dtype = shipped().dtype(case.dtype)
    assert dtype is not None
    laid = cache(shape, dtype, engine="vllm", batched=CONTEXT, block=block)
    return POOL // laid.block_bytes


def served(case: Case) -> tuple[int, int] | None:
    """Start the engine in a process of its own; its block size and number of blocks, or None where
    this processor lacks what the dtype needs."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "config.json").write_text(json.dumps(case.config))
        words = [sys.executable, __file__, "--one", json.dumps({**asdict(case), "folder": folder})]
        quiet = {"VLLM_ENABLE_V1_MULTIPROCESSING": "0", "HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1"}  # fmt: skip
        done = subprocess.run(
            words, env={**os.environ, **quiet}, capture_output=True, text=True, check=False
        )
    if NEEDS_AVX512 in done.stderr:
        return None
    last = done.stdout.strip().splitlines()[-1:] or [""]
    if done.returncode or not last[0].startswith("{"):
        raise SystemExit(f"{case.name}: vLLM did not start:\n{done.stderr[-2000:]}")
    said = json.loads(last[0])
    return said["block"], said["blocks"]


def serve_one(words: str) -> None:
    """In the child: start vLLM and print what it allotted."""
    from vllm import LLM

    case = json.loads(words)
    engine = LLM(
        model=case["folder"], load_format="dummy", enforce_eager=True, max_model_len=CONTEXT,
        max_num_seqs=2, kv_cache_memory_bytes=POOL, kv_cache_dtype=case["dtype"],
        skip_tokenizer_init=True,
    )  # fmt: skip
    cached = engine.llm_engine.vllm_config.cache_config
    print(json.dumps({"block": cached.block_size, "blocks": cached.num_gpu_blocks}))


def preset_bytes(name: str, layers: int, kv_heads: int, head: int) -> tuple[int, int]:
    """Block size and bytes of a block, by vLLM's own classes."""
    import torch
    from vllm.model_executor.layers.quantization.turboquant.config import TurboQuantConfig
    from vllm.v1.core import kv_cache_utils
    from vllm.v1.kv_cache_interface import FullAttentionSpec, UniformTypeKVCacheSpecs

    slot = TurboQuantConfig.from_cache_dtype(name, head).slot_size_aligned
    block = 16 * -(-(16 * 4 * head) // (16 * slot))  # platforms.interface aligns the block so
    plain = FullAttentionSpec(block_size=block, num_kv_heads=kv_heads, head_size=head, dtype=torch.bfloat16)  # fmt: skip
    packed = FullAttentionSpec(
        block_size=block, num_kv_heads=kv_heads, head_size=head, dtype=torch.uint8, state_content_bytes=slot
    )  # fmt: skip
    edge = {0, 1, layers - 2, layers - 1}
    specs = {str(i): plain if i in edge else packed for i in range(layers)}
    one = UniformTypeKVCacheSpecs.from_specs(specs)
    assert one is not None, "vLLM no longer keeps these layers in one group"
    group = kv_cache_utils.KVCacheGroupSpec(list(specs), one)
    return block, sum(group.kv_cache_spec.kv_cache_specs[n].page_size_bytes for n in specs)


def compare_presets() -> list[tuple[str, int, int]]:
    """Every preset on three architectures: bytes of a block, vLLM's and ours."""
    rows = []
    for name in PRESETS:
        for layers, kv_heads, head in ((36, 8, 128), (64, 8, 128), (24, 4, 64)):
            block, theirs = preset_bytes(name, layers, kv_heads, head)
            text = json.dumps(config(layers, kv_heads, head))
            dtype = shipped().dtype(name)
            assert dtype is not None
            laid = cache(read_config(text, name).shape, dtype, engine="vllm", batched=CONTEXT)
            assert laid.block == block
            rows.append((f"{name} {layers} x {kv_heads} x {head}", theirs, laid.block_bytes))
    return rows


def show(row: tuple[str, int, int]) -> None:
    name, theirs, ours = row
    print(
        f"{name:40} vLLM {theirs:>12,}  planned {ours:>12,}  difference {ours - theirs}", flush=True
    )


def main() -> int:
    import vllm

    rows = []
    print(f"vLLM {vllm.__version__}; tokens in a pool of 1 GiB")
    wanted = sys.argv[1:]
    for case in (one for one in CASES if not wanted or one.name in wanted):
        found = served(case)
        if found is None:
            print(f"{case.name:40} not tried: this processor has no AVX-512")
            continue
        block, blocks = found
        rows.append((case.name, blocks * block, planned(case, block) * block))
        show(rows[-1])
    print("bytes of a block of the presets")
    for row in compare_presets():
        rows.append(row)
        show(row)
    return int(any(theirs != ours for _, theirs, ours in rows))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        serve_one(sys.argv[2])
    else:
        sys.exit(main())
