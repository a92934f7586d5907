"""Our codecs of vLLM's formats write the bytes that vLLM's own kernel writes.

Optional: it needs the environment that `benchmarks/quant_vllm_env.sh` makes, and says so.
"""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".cache" / "vllm-venv" / "bin" / "python"


@pytest.mark.timeout(400)
@pytest.mark.skipif(not PYTHON.exists(), reason="run benchmarks/quant_vllm_env.sh first")
def test_every_native_preset_writes_the_bytes_of_the_kernel_of_vllm() -> None:
    words = [str(PYTHON), str(ROOT / "benchmarks" / "quant_vllm_bytes.py")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(": 0 of ") == 24
