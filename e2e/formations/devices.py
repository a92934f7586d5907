"""Hand-made GPUs, as a DRA driver would publish them: they can be claimed, and no more."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cluster.use import Cluster

DRIVER = "gpu.e2e.hekaton.dev"
DEVICES = """\
apiVersion: resource.k8s.io/v1
kind: DeviceClass
metadata: {{name: {name}}}
spec:
  selectors:
    - cel: {{expression: 'device.driver == "{driver}" && device.attributes["{driver}"].lot == "{name}"'}}
---
apiVersion: resource.k8s.io/v1
kind: ResourceSlice
metadata: {{name: {name}}}
spec:
  driver: {driver}
  nodeName: {node}
  pool: {{name: {name}, generation: 1, resourceSliceCount: 1}}
  devices:
    - name: gpu-0
      attributes: {{lot: {{string: {name}}}, productName: {{string: NVIDIA GH200 96GB}}}}
      capacity: {{memory: {{value: 95Gi}}}}
"""


@dataclass(frozen=True, slots=True)
class Devices:
    """One GPU on one node, in a class of its own."""

    device_class: str
    node: str


@contextmanager
def devices(cluster: Cluster) -> Iterator[Devices]:
    """A DeviceClass, and the ResourceSlice that belongs to it."""
    name = f"e2e-{uuid.uuid4().hex[:8]}"
    node = cluster.kubectl("get", "nodes", "-o", "name").split()[0].partition("/")[2]
    text = DEVICES.format(name=name, driver=DRIVER, node=node)
    cluster.kubectl("apply", "-f", "-", text=text)
    try:
        yield Devices(name, node)
    finally:
        cluster.kubectl("delete", "deviceclass", name)
        cluster.kubectl("delete", "resourceslice", name)
