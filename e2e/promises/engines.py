"""vLLM for the `engines` container, installed on the node: an image with it would be gigabytes.

`make e2e` installs it for the Python of the images' base and makes the tiny model.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from cluster.use import Cluster
from promises import installing
from promises.kubectl import ROOT, Namespace
from ruamel.yaml import YAML

FOLDER = ROOT / ".cache" / "vllm" / "node"
"""Mounted at the same place in the container."""
PACKAGES = FOLDER / "packages"
MODEL = FOLDER / "tiny"
PAIR = ROOT / "e2e" / "vllm_cpu" / "pair.yaml"
STARTING = 900.0
"""Seconds for two servers, one after the other, on two cores that all of Kubernetes shares."""
VLLM = (
    # One thread each: two engines on two cores, beside all of Kubernetes.
    f"env PYTHONPATH={PACKAGES} OMP_NUM_THREADS=1 VLLM_NO_USAGE_STATS=1 HF_HUB_OFFLINE=1"
    " python3 -m vllm.entrypoints.cli.main"
)


def values() -> tuple[str, str]:
    """What the chart must be told."""
    assert MODEL.exists(), f"{MODEL} is absent; `make e2e` installs it."
    return f"--set=engines.hostPath={FOLDER}", f"--set=engines.vllm={VLLM}"


@contextmanager
def served(cluster: Cluster) -> Iterator[Namespace]:
    """A namespace in which the formation `pair` is ready."""
    with installing.namespace(cluster, installing.PRIVILEGED) as made:
        made.apply_text(pair())
        made.wait("formation", "pair", "Ready", STARTING)
        yield made


def pair() -> str:
    """The formation, with the models' own configuration, since nothing else knows their figures."""
    document = YAML(typ="safe").load(PAIR.read_text())
    for model in document["spec"]["models"]:
        model["model"] = str(MODEL)
        model["config"] = (MODEL / "config.json").read_text()
    return json.dumps(document)
