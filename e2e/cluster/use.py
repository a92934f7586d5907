"""A running cluster as tests use it: kubectl, and the paths to whatever else they start."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster.places import HERE
from cluster.progress import Failure
from cluster.provider import Level


@dataclass(frozen=True, slots=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    error: str


@dataclass(frozen=True, slots=True)
class Cluster:
    """One cluster, which lives in a folder; every command runs against it and no other."""

    folder: Path

    @property
    def kubeconfig(self) -> Path:
        """Rights of an administrator, to be passed on as KUBECONFIG."""
        return self.folder / "admin.kubeconfig"

    @property
    def environ(self) -> dict[str, str]:
        """Our environment with this cluster's kubeconfig and programs in front."""
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        return {**os.environ, "KUBECONFIG": str(self.kubeconfig), "PATH": path}

    def run(self, *words: str, text: str | None = None, patience: float = 120.0) -> Said:
        """Run a command to its end, good or bad; `text` is its input, `patience` in seconds."""
        done = subprocess.run(
            words,
            env=self.environ,
            input=text,
            stdin=subprocess.DEVNULL if text is None else None,
            capture_output=True,
            text=True,
            timeout=patience,
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def kubectl(self, *words: str, text: str | None = None, patience: float = 120.0) -> str:
        """What kubectl printed; fails with what it complained of."""
        said = self.run("kubectl", *words, text=text, patience=patience)
        if said.code:
            raise Failure(f"kubectl {' '.join(words)}: {said.error.strip()}")
        return said.out

    def listed(self, namespace: str, what: str, *words: str) -> list[dict[str, Any]]:
        """Objects of a namespace."""
        said = self.kubectl("-n", namespace, "get", what, "-o", "json", *words)
        found: list[dict[str, Any]] = json.loads(said)["items"]
        return found

    def image(self, target: str, name: str) -> None:
        """Build a target of the project's Dockerfile and load it into the node."""
        _script("image", target, name, str(self.folder))

    def base(self, which: str) -> None:
        """Make a base image; `postgres` is loaded into the node."""
        _script("base", which, str(self.folder))


@contextmanager
def started(folder: Path, level: Level) -> Iterator[Cluster]:
    """A fresh cluster, ended with the context whatever happens."""
    _script("up", "--level", level, str(folder))
    try:
        yield Cluster(folder)
    finally:
        _script("down", str(folder))


def _script(name: str, *words: str) -> None:
    """Run one of the scripts of e2e/cluster; its progress goes to our error stream."""
    said = subprocess.run([HERE / name, *words], stdin=subprocess.DEVNULL, check=False)
    if said.returncode:
        raise Failure(f"e2e/cluster/{name} ended with status {said.returncode}.")
