"""The command lines of the engines, with the planner's exact figures. Pure."""

from hekaton_api.vram.engine import BATCHED_FLAG, Engine

SHARE_FLAG = "--gpu-memory-utilization"
PARTS = 10_000


def command(engine: Engine) -> tuple[str, ...]:
    """Arguments of the server's process. The caller adds host and port."""
    if engine.spec.engine == "sglang":
        return _sglang(engine)
    return _vllm(engine)


def _vllm(engine: Engine) -> tuple[str, ...]:
    """With `--kv-cache-memory-bytes` vLLM skips its profiling of free memory, so that several
    servers on one GPU cannot race for it; the figure is per GPU. It still refuses to start unless its
    share of the whole memory is free, 0.92 by default, which a second server on a GPU never finds:
    hence the planned share, which limits nothing else."""
    spec, words = engine.spec, list[str]()
    words += ["vllm", "serve", spec.model or spec.name, "--served-model-name", spec.name]
    words += ["--revision", spec.revision] if spec.revision else []
    words += ["--quantization", engine.format] if engine.online else []
    words += ["--max-model-len", str(spec.context_length)]
    words += ["--max-num-seqs", str(spec.max_sequences)]
    if not any(BATCHED_FLAG in each for each in spec.extra_args):
        words += [BATCHED_FLAG, str(engine.serving.batched)]
    words += ["--kv-cache-dtype", spec.kv_cache_dtype]
    words += ["--kv-cache-memory-bytes", str(engine.kv)]
    if engine.memory and not any(SHARE_FLAG in each for each in spec.extra_args):
        words += [SHARE_FLAG, _share(engine)]
    if engine.serving.gpus > 1:
        words += ["--tensor-parallel-size", str(engine.serving.gpus)]
    return (*words, *spec.extra_args)


def _share(engine: Engine) -> str:
    """Rounded down, so that a plan that fits exactly still starts."""
    parts = max(1, engine.total * PARTS // engine.memory)
    return f"{min(PARTS, parts) / PARTS:.4f}"


def _sglang(engine: Engine) -> tuple[str, ...]:
    """SGLang sizes its pool in tokens."""
    spec, words = engine.spec, ["python", "-m", "sglang.launch_server"]
    words += ["--model-path", spec.model or spec.name, "--served-model-name", spec.name]
    words += ["--revision", spec.revision] if spec.revision else []
    words += ["--quantization", engine.format] if engine.online else []
    words += ["--context-length", str(spec.context_length)]
    words += ["--max-running-requests", str(spec.max_sequences)]
    words += ["--max-total-tokens", str(spec.context_length * spec.max_sequences)]
    words += ["--chunked-prefill-size", str(engine.serving.batched)]
    words += ["--kv-cache-dtype", {"fp8": "fp8_e4m3"}.get(spec.kv_cache_dtype, spec.kv_cache_dtype)]
    words += ["--tp-size", str(engine.serving.gpus)] if engine.serving.gpus > 1 else []
    return (*words, *spec.extra_args)
