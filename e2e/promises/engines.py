"""vLLM for the `engines` container, installed on the node: an image with it would be gigabytes.

`make e2e` installs it for the Python of the images' base and makes the tiny model.
"""

from promises.kubectl import ROOT

FOLDER = ROOT / ".cache" / "vllm" / "node"
"""Mounted at the same place in the container."""
PACKAGES = FOLDER / "packages"
MODEL = FOLDER / "tiny"
VLLM = (
    # One thread each: two engines on two cores, beside all of Kubernetes.
    f"env PYTHONPATH={PACKAGES} OMP_NUM_THREADS=1 VLLM_NO_USAGE_STATS=1 HF_HUB_OFFLINE=1"
    " python3 -m vllm.entrypoints.cli.main"
)


def values() -> tuple[str, str]:
    """What the chart must be told."""
    assert MODEL.exists(), f"{MODEL} is absent; `make e2e` installs it."
    return f"--set=engines.hostPath={FOLDER}", f"--set=engines.vllm={VLLM}"
