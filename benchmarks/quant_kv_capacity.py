"""How many tokens a running vLLM says it can keep in a GiB of KV cache, by KV dtype.

    make quant-capacity

Each row is an engine of its own, started with 1 GiB of pages for a model of the given shape (random
weights; the shape is all that matters), which then answers a short prompt, so that the figure is of
a cache that works. Not among them: fp8, which vLLM serves on CPUs with AVX-512 alone. vLLM's presets leave two layers at either end in 16 bits, as they do on a GPU.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

from hekaton_quant.bench.table import Cell, Table

DTYPES = (
    "auto", "turboquant_k8v4", "turboquant_4bit_nc", "turboquant_k3v4_nc", "turboquant_3bit_nc",
    "tq4x", "tq5x", "tq6x",
)  # fmt: skip
GIB = 1 << 30
PROMPT = [5, 6, 7, 8]


def write_model(folder: Path, layers: int, heads: int, head_size: int) -> None:
    """A config of the wanted KV shape; its weights are made up by vLLM."""
    config = {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 128, "intermediate_size": 128,
        "num_hidden_layers": layers, "num_attention_heads": heads, "num_key_value_heads": heads,
        "head_dim": head_size, "vocab_size": 256, "max_position_embeddings": 2048, "rms_norm_eps": 1e-6,
        "rope_theta": 10000.0, "hidden_act": "silu", "torch_dtype": "bfloat16", "bos_token_id": 1, "eos_token_id": 2,
        "tie_word_embeddings": False,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))


def measured(folder: Path, dtype: str) -> int:
    """Start an engine in this process, let it answer, and read its own count of tokens per GiB."""
    from vllm import LLM, SamplingParams
    from vllm.distributed import cleanup_dist_env_and_memory

    engine = LLM(
        model=str(folder), skip_tokenizer_init=True, load_format="dummy", kv_cache_dtype=dtype, enforce_eager=True,
        max_model_len=1024, max_num_seqs=2, kv_cache_memory_bytes=GIB, disable_log_stats=True,
    )  # fmt: skip
    wanted = SamplingParams(max_tokens=2, ignore_eos=True, detokenize=False)
    (answer,) = engine.generate([{"prompt_token_ids": PROMPT}], wanted, use_tqdm=False)
    assert len(answer.outputs[0].token_ids) == 2
    tokens = int(engine.llm_engine.vllm_config.cache_config.kv_cache_size_tokens)
    engine.llm_engine.engine_core.shutdown()
    del engine
    cleanup_dist_env_and_memory()
    return tokens


def shape_table(layers: int, heads: int, head_size: int) -> Table:
    """All dtypes at one shape."""
    rows: list[tuple[Cell, ...]] = []
    with tempfile.TemporaryDirectory(prefix="kv-capacity-") as name:
        folder = Path(name)
        write_model(folder, layers, heads, head_size)
        for dtype in DTYPES:
            tokens = measured(folder, dtype)
            plain = int(rows[0][1]) if rows else tokens
            true = GIB / tokens / layers / heads
            rows.append((dtype, tokens, tokens / plain, round(true, 1)))
            print(rows[-1], file=sys.stderr, flush=True)
    columns = (
        "--kv-cache-dtype",
        "tokens per GiB",
        "to 16 bits",
        "bytes per token, layer and KV head",
    )
    return Table(f"{layers} layers, {heads} KV heads of {head_size}", columns, tuple(rows))


def main() -> None:
    """Measure two depths."""
    parser = argparse.ArgumentParser(description="KV tokens per GiB inside a running vLLM.")
    parser.add_argument("--layers", type=int, nargs="+", default=[6, 36])
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    # One process for all: an engine of three processes takes a minute to start.
    os.environ |= {"VLLM_ENABLE_V1_MULTIPROCESSING": "0", "HF_HUB_OFFLINE": "1"}
    os.environ |= {"VLLM_NO_USAGE_STATS": "1", "VLLM_LOGGING_LEVEL": "ERROR"}
    tables = [shape_table(layers, 2 if layers < 12 else 8, 128) for layers in chosen.layers]
    for table in tables:
        print(table.text())
    if chosen.json:
        chosen.json.write_text(json.dumps([table.plain() for table in tables], indent=1) + "\n")


if __name__ == "__main__":
    main()
