"""The provider for people who have Docker: kind, with images from Docker and public registries."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from cluster.places import ROOT, digest
from cluster.progress import Failure, say, step
from cluster.shell import run

POSTGRES = "pgvector/pgvector:pg17"
POSTGRES_IMAGE = "localhost/hekaton-postgres:e2e"
TOOLS = ("docker", "kind", "kubectl", "helm")
PYTHON = "python:3.13-slim"
"""Base of the images: the Python that `make e2e` installs engines on the node for."""
SHARED = ROOT / ".cache" / "vllm" / "node"
CONFIG = f"""\
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
nodes:
  - role: control-plane
    extraMounts: [{{hostPath: "{SHARED}", containerPath: "{SHARED}", readOnly: true}}]
"""


@dataclass(frozen=True, slots=True)
class Kind:
    """Starts a cluster in a Docker container; whatever level is asked for, it is a whole one."""

    folder: Path

    @property
    def name(self) -> str:
        """The cluster's name: one for each folder."""
        return f"hekaton-{digest(str(self.folder))[:6]}"

    def up(self, level: str) -> None:
        """Start a fresh cluster; one of this folder is ended first."""
        if absent := [tool for tool in TOOLS if shutil.which(tool) is None]:
            raise Failure(f"{', '.join(absent)} is missing: install it, or use PROVIDER=native.")
        self.down()
        self.folder.mkdir(parents=True, exist_ok=True)
        config = self.folder / "admin.kubeconfig"
        SHARED.mkdir(parents=True, exist_ok=True)  # Docker would make it as root
        (self.folder / "kind.yaml").write_text(CONFIG)
        with step("starting a kind cluster"):
            run(["kind", "create", "cluster", "--name", self.name, "--kubeconfig", config,
                 "--config", self.folder / "kind.yaml", "--wait", "120s"])  # fmt: skip
        about = {"provider": "kind", "level": "node"}
        (self.folder / "cluster.json").write_text(json.dumps(about))
        (self.folder / "env").write_text(f'export KUBECONFIG="{config}"\n')
        say(f"ready; to use it: . {self.folder}/env")

    def down(self) -> None:
        """End the cluster of this folder, if it has one."""
        run(["kind", "delete", "cluster", "--name", self.name])
        for name in ("cluster.json", "env", "admin.kubeconfig"):
            (self.folder / name).unlink(missing_ok=True)

    def load(self, archive: Path) -> None:
        """Load an archive into the node."""
        with step(f"loading {archive.name}"):
            run(["kind", "load", "image-archive", archive, "--name", self.name])

    def image(self, target: str, name: str) -> None:
        """Build a target of the project's Dockerfile with Docker and load it."""
        with step(f"building {name} (Dockerfile target {target})"):
            run(["docker", "build", "--target", target, "-t", name,
                 "--build-arg", f"BASE_IMAGE={PYTHON}", "--build-arg", "VLLM=none", ROOT])  # fmt: skip
        self._pass_on(name)

    def base(self, which: str) -> None:
        """Load Postgres under the name that the tests use; Python comes with `docker build`."""
        if which == "postgres":
            run(["docker", "pull", POSTGRES])
            run(["docker", "tag", POSTGRES, POSTGRES_IMAGE])
            self._pass_on(POSTGRES_IMAGE)

    def _pass_on(self, name: str) -> None:
        with step(f"loading {name}"):
            run(["kind", "load", "docker-image", name, "--name", self.name])
