"""The chart installed once from images built here, and namespaces that enforce Pod Security."""

import os
import uuid
from collections.abc import Iterator

import pytest
from cluster.use import Cluster
from promises.kubectl import ROOT, Namespace
from promises.missions import slow_models

from hekaton_api.version import __version__

SYSTEM = "hekaton-system"
IMAGES = ("operator", "runtime", "engines")
RESTRICTED = (
    "pod-security.kubernetes.io/enforce=restricted",
    "pod-security.kubernetes.io/enforce-version=latest",
)
VOLUME = """\
apiVersion: v1
kind: PersistentVolume
metadata: {name: hekaton-postgres}
spec:
  capacity: {storage: 20Gi}
  accessModes: [ReadWriteOnce]
  persistentVolumeReclaimPolicy: Delete
  claimRef: {namespace: hekaton-system, name: data-hekaton-postgres-0}
  local: {path: FOLDER}
  nodeAffinity:
    required:
      nodeSelectorTerms:
        - matchExpressions: [{key: kubernetes.io/os, operator: In, values: [linux]}]
"""


@pytest.fixture(scope="session")
def installed(cluster: Cluster) -> Cluster:
    """Images built and loaded, the chart installed as its notes say, everything in it ready."""
    for target in IMAGES:
        cluster.image(target, f"docker.io/hekaton/{target}:{__version__}")
    cluster.base("postgres")
    _volume(cluster)
    if cluster.run("kubectl", "get", "namespace", SYSTEM).code:
        cluster.kubectl("create", "namespace", SYSTEM)
    cluster.kubectl("label", "--overwrite", "namespace", SYSTEM, *RESTRICTED)
    said = cluster.run(
        "helm", "upgrade", "--install", "hekaton", str(ROOT / "charts" / "hekaton"), "-n", SYSTEM,
        "--set=postgres.image=localhost/hekaton-postgres:e2e", "--wait", "--timeout=5m",
        patience=330,
    )  # fmt: skip
    assert said.code == 0, said.out + said.error + Namespace(cluster, SYSTEM).told("pods", "")
    return cluster


def _volume(cluster: Cluster) -> None:
    """A cluster without a StorageClass gets one volume by hand, as its administrator would."""
    if cluster.kubectl("get", "storageclass", "-o", "name"):
        return
    folder = cluster.folder / "postgres-data"
    folder.mkdir(exist_ok=True)
    cluster.kubectl("apply", "-f", "-", text=VOLUME.replace("FOLDER", str(folder)))


@pytest.fixture
def space(installed: Cluster) -> Iterator[Namespace]:
    """A namespace of the test's own, restricted."""
    yield from _space(installed)


@pytest.fixture(scope="session")
def team(installed: Cluster) -> Iterator[Namespace]:
    """A namespace with the simulated formation, Ready."""
    for made in _space(installed):
        made.apply("manifests/simulated", "manifests/formations/simulated-cluster.yaml")
        made.wait("formation", "simulated", "Ready", 240)
        yield made


@pytest.fixture(scope="session")
def slow_team(installed: Cluster) -> Iterator[Namespace]:
    """The same with models that take their time."""
    for made in _space(installed):
        made.apply("manifests/simulated", "manifests/formations/simulated-cluster.yaml")
        slow_models(made)
        made.wait("formation", "simulated", "Ready", 240)
        yield made


def _space(cluster: Cluster) -> Iterator[Namespace]:
    """Kept when HEKATON_E2E_KEEP is set, so that somebody may look."""
    name = f"e2e-{uuid.uuid4().hex[:8]}"
    cluster.kubectl("create", "namespace", name)
    cluster.kubectl("label", "namespace", name, *RESTRICTED)
    yield Namespace(cluster, name)
    if not os.environ.get("HEKATON_E2E_KEEP"):
        cluster.kubectl("delete", "namespace", name, "--wait=false")
