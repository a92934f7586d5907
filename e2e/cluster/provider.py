"""Who brings up the cluster: what PROVIDER says, else kind where Docker works, else native."""

import os
import shutil
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

from cluster.kind import Kind
from cluster.native.machine import Native
from cluster.progress import Failure
from cluster.shell import works

Level: TypeAlias = Literal["api", "control-plane", "node"]
LEVELS: tuple[Level, ...] = ("api", "control-plane", "node")
"""API server alone; with its controllers; with a node that runs pods."""


class Provider(Protocol):
    """A maker of one cluster, which belongs to one folder."""

    def up(self, level: Level) -> None:
        """Start a fresh cluster and write admin.kubeconfig and env; one that runs is ended."""

    def down(self) -> None:
        """End the cluster and leave nothing running; without one, do nothing."""

    def load(self, archive: Path) -> None:
        """Load an archive of images into the node."""

    def image(self, target: str, name: str) -> None:
        """Build a target of the project's Dockerfile; load it where there is a node."""

    def base(self, which: str) -> None:
        """Make the base image `python`, or make and load `postgres`."""


def chosen(folder: Path) -> Provider:
    """The provider for the cluster in this folder."""
    given = os.environ.get("PROVIDER", "")
    if given not in ("", "native", "kind"):
        raise Failure(f"PROVIDER is {given!r}; give native or kind.")
    docker = shutil.which("kind") is not None and works(["docker", "info"])
    return Kind(folder) if given == "kind" or (docker and not given) else Native(folder)
