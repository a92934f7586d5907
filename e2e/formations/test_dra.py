"""A formation with a deviceClass: its pod's engines share one claim on a GPU, and that is where it goes.

The GPU is made by hand and nobody drives it, so the pod is placed and does not start: scheduling is
all of DRA that a cluster without GPUs can show.
"""

from typing import Any

import pytest
from cluster.waiting import until
from formations.devices import DRIVER, Devices
from promises.kubectl import Namespace

pytestmark = pytest.mark.full

FORMATION = """\
apiVersion: hekaton.dev/v1alpha1
kind: Formation
metadata: {{name: sharing}}
spec:
  replicas: {replicas}
  hardware: {{profile: custom, memoryGiB: 95, deviceClass: {device_class}}}
  models:
    - {{name: small, engine: vllm, model: Qwen/Qwen2.5-0.5B-Instruct, maxSequences: 2}}
    - {{name: code, engine: vllm, model: Qwen/Qwen2.5-Coder-0.5B-Instruct, maxSequences: 2}}
  roles:
    - {{name: sapper, role: sapper, model: code}}
    - {{name: auditor, role: auditor, model: small}}
"""


def wanted(gpu: Devices, replicas: int = 1) -> str:
    return FORMATION.format(device_class=gpu.device_class, replicas=replicas)


def allocations(space: Namespace) -> list[Any]:
    """What the claims of the namespace were given; one that waits gives nothing."""
    claims = space.listed("resourceclaims")
    return [
        result
        for claim in claims
        for result in claim.get("status", {})
        .get("allocation", {})
        .get("devices", {})
        .get("results", ())
    ]


def placed(space: Namespace) -> list[str]:
    """Nodes of the formation's pods that have one."""
    pods = space.listed("pods", "hekaton.dev/formation=sharing")
    return [pod["spec"]["nodeName"] for pod in pods if pod["spec"].get("nodeName")]


def test_the_claim_is_allocated_and_the_pod_goes_to_its_node(
    engine_space: Namespace, gpu: Devices
) -> None:
    engine_space.apply_text(wanted(gpu))
    until(lambda: "" if allocations(engine_space) else "no claim is allocated", 120)
    (given,) = allocations(engine_space)
    assert (given["driver"], given["device"]) == (DRIVER, "gpu-0")
    until(lambda: "" if placed(engine_space) else "the pod has no node", 60)
    assert placed(engine_space) == [gpu.node]


def test_each_model_has_a_container_and_all_of_them_use_the_one_claim(
    engine_space: Namespace, gpu: Devices
) -> None:
    engine_space.apply_text(wanted(gpu))
    until(lambda: "" if placed(engine_space) else "the pod has no node", 120)
    (pod,) = engine_space.listed("pods", "hekaton.dev/formation=sharing")
    engines = [each for each in pod["spec"]["containers"] if each["name"].startswith("engine")]
    assert [each["name"] for each in engines] == ["engine-small", "engine-code"]
    (claim,) = pod["spec"]["resourceClaims"]
    assert [each["resources"]["claims"] for each in engines] == [[{"name": claim["name"]}]] * 2
    assert len(engine_space.listed("resourceclaims")) == 1
    assert "nvidia.com/gpu" not in str(pod["spec"])


def test_a_replica_without_a_gpu_of_its_own_is_told_by_name(
    engine_space: Namespace, gpu: Devices
) -> None:
    engine_space.apply_text(wanted(gpu, replicas=2))

    def untold() -> str:
        ready = engine_space.condition("formation", "sharing", "Ready")
        return "" if ready.get("reason") == "PodUnschedulable" else str(ready)

    until(lambda: "" if allocations(engine_space) else "no claim is allocated", 120)
    until(untold, 120)
    assert len(allocations(engine_space)) == 1
