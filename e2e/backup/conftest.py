"""A release of its own in a namespace of its own, so that its database may be lost without harm to another."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cluster.use import Cluster
from promises import installing
from promises.kubectl import ROOT, Namespace

DATABASE = "data-hekaton-postgres-0"
DUMPS = "hekaton-backup"
VOLUME = """\
apiVersion: v1
kind: PersistentVolume
metadata: {{name: {name}}}
spec:
  capacity: {{storage: 20Gi}}
  accessModes: [ReadWriteOnce]
  persistentVolumeReclaimPolicy: Retain
  claimRef: {{namespace: {namespace}, name: {claim}}}
  local: {{path: {folder}}}
  nodeAffinity:
    required:
      nodeSelectorTerms:
        - matchExpressions: [{{key: kubernetes.io/os, operator: In, values: [linux]}}]
"""
ROW = (
    "insert into hekaton.mission (id, name, mode, document, formation)"
    " values ('{0}', '{0}', 'single', '{{}}', '{{}}')"
)


@dataclass(frozen=True, slots=True)
class Release:
    """The chart with backups on, and its database."""

    space: Namespace
    folder: Path
    """Where volumes lie, on a cluster that has no StorageClass."""

    @property
    def given(self) -> bool:
        """Whether the cluster makes volumes by itself."""
        return bool(self.space.cluster.kubectl("get", "storageclass", "-o", "name"))

    def volume(self, claim: str) -> None:
        """An empty volume for a claim."""
        if self.given:
            return
        folder = self.folder / claim
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        name = f"{self.space.name}-{claim}"
        text = VOLUME.format(name=name, namespace=self.space.name, claim=claim, folder=folder)
        self.space.cluster.kubectl("apply", "-f", "-", text=text)

    def install(self) -> None:
        for claim in (DATABASE, DUMPS):
            self.volume(claim)
        said = self.space.cluster.run(
            "helm", "install", "hekaton", str(ROOT / "charts" / "hekaton"), "-n", self.space.name,
            "--set", f"watchNamespace={self.space.name}", "--set", "crds.enabled=false",
            "--set", "operator.replicas=1", "--set", "backup.enabled=true",
            "--set", "postgres.image=localhost/hekaton-postgres:e2e", "--wait", "--timeout=5m",
            patience=330,
        )  # fmt: skip
        assert said.code == 0, said.out + said.error + self.space.told("pods", "")

    def sql(self, text: str) -> str:
        """What the database answers, a line a row."""
        return self.space.kubectl(
            "exec", "hekaton-postgres-0", "--", "psql", "-h", "/var/run/postgresql", "-U",
            "postgres", "-d", "hekaton", "-Atqc", text,
        ).strip()  # fmt: skip

    def add_mission(self, name: str) -> None:
        self.sql(ROW.format(name))

    def run(self, name: str, job: str) -> str:
        """Run a CronJob's Job now, to its good end; its log."""
        self.space.kubectl("create", "job", name, f"--from=cronjob/{job}")
        self.space.wait("job", name, "Complete", 240)
        return self.space.kubectl("logs", f"job/{name}")

    def scale(self, what: str, replicas: int) -> None:
        self.space.kubectl("scale", what, f"--replicas={replicas}")
        self.space.kubectl("rollout", "status", what, "--timeout=300s", patience=330)

    def lose(self) -> None:
        """Take the database's volume away for good, and give it an empty one."""
        self.scale("deployment/hekaton-operator", 0)
        self.scale("statefulset/hekaton-postgres", 0)
        self.space.kubectl("wait", "--for=delete", "pod/hekaton-postgres-0", "--timeout=120s")
        self.space.kubectl("delete", "pvc", DATABASE)
        if not self.given:
            self.space.cluster.kubectl("delete", "pv", f"{self.space.name}-{DATABASE}")
        self.volume(DATABASE)
        self.scale("statefulset/hekaton-postgres", 1)


@pytest.fixture
def release(installed: Cluster, tmp_path: Path) -> Iterator[Release]:
    with installing.namespace(installed) as space:
        tmp_path.chmod(0o755)
        made = Release(space, tmp_path)
        made.install()
        yield made
        installed.run("helm", "uninstall", "hekaton", "-n", space.name, "--wait")
        space.kubectl("delete", "pvc", "--all", "--wait=true")
        if not made.given:
            names = (f"{space.name}-{claim}" for claim in (DATABASE, DUMPS))
            installed.kubectl("delete", "pv", *names, "--ignore-not-found")
