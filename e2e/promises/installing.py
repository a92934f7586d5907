"""The chart installed from images built here, and namespaces that enforce Pod Security."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from cluster.use import Cluster
from promises.kubectl import ROOT, Namespace

from hekaton_api.version import __version__

SYSTEM = "hekaton-system"
IMAGES = ("operator", "runtime", "engines")
RESTRICTED = "restricted"
PRIVILEGED = "privileged"
"""For engines that are installed on the node: Pod Security allows no folder of it below this."""
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


def install(cluster: Cluster, *values: str) -> None:
    """Images built and loaded, the chart installed as its notes say, everything in it ready."""
    for target in IMAGES:
        cluster.image(target, image(target))
    cluster.base("postgres")
    _volume(cluster)
    if cluster.run("kubectl", "get", "namespace", SYSTEM).code:
        cluster.kubectl("create", "namespace", SYSTEM)
    secure(cluster, SYSTEM, RESTRICTED)
    there = not cluster.run("helm", "status", "hekaton", "-n", SYSTEM).code
    release(cluster, "--set=postgres.image=localhost/hekaton-postgres:e2e", *values)
    if there:  # a kept cluster: the images are new under their old names
        rollout = ("-n", SYSTEM, "rollout")
        cluster.kubectl(*rollout, "restart", "deployment/hekaton-operator")
        cluster.kubectl(
            *rollout, "status", "deployment/hekaton-operator", "--timeout=5m", patience=330
        )


def image(target: str) -> str:
    """The name that the chart gives to a target of the Dockerfile."""
    return f"docker.io/hekaton/{target}:{__version__}"


def release(cluster: Cluster, *values: str) -> None:
    """Install or upgrade, and wait until all is ready."""
    said = cluster.run(
        "helm", "upgrade", "--install", "hekaton", str(ROOT / "charts" / "hekaton"), "-n", SYSTEM,
        *values, "--wait", "--timeout=5m", patience=330,
    )  # fmt: skip
    assert said.code == 0, said.out + said.error + Namespace(cluster, SYSTEM).told("pods", "")


def secure(cluster: Cluster, namespace: str, level: str) -> None:
    """Let a namespace enforce a level of Pod Security."""
    label = "pod-security.kubernetes.io/enforce"
    levels = (f"{label}={level}", f"{label}-version=latest")
    cluster.kubectl("label", "--overwrite", "namespace", namespace, *levels)


def _volume(cluster: Cluster) -> None:
    """A cluster without a StorageClass gets one volume by hand, as its administrator would."""
    if cluster.kubectl("get", "storageclass", "-o", "name"):
        return
    folder = cluster.folder / "postgres-data"
    folder.mkdir(exist_ok=True)
    cluster.kubectl("apply", "-f", "-", text=VOLUME.replace("FOLDER", str(folder)))


@contextmanager
def namespace(cluster: Cluster, level: str = RESTRICTED) -> Iterator[Namespace]:
    """One of the test's own; kept when HEKATON_E2E_KEEP is set, so that somebody may look."""
    name = f"e2e-{uuid.uuid4().hex[:8]}"
    cluster.kubectl("create", "namespace", name)
    secure(cluster, name, level)
    yield Namespace(cluster, name)
    if not os.environ.get("HEKATON_E2E_KEEP"):
        cluster.kubectl("delete", "namespace", name, "--wait=false")
