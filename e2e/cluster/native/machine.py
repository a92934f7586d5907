"""One cluster on this machine: brought up level by level, and ended without a trace."""

import json
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from cluster.native import bases, binaries, control, images, node, packages
from cluster.progress import Failure, say, step

Level: TypeAlias = Literal["api", "control-plane", "node"]
RECORD = "cluster.json"
KEPT = frozenset({"log", "audit.log"})
"""What `down` leaves in the folder for whoever asks what happened; the next `up` removes it."""


@dataclass(frozen=True, slots=True)
class Native:
    """The provider that needs neither Docker nor a registry."""

    folder: Path

    def up(self, level: Level) -> None:
        """Start a fresh cluster in this folder; one that runs there is ended first."""
        packages.need(("openssl",))
        if level == "node":
            if os.geteuid():
                raise Failure("A node needs root; `up --level control-plane` does not.")
            packages.need(packages.NODE)
        wanted = {"api": binaries.API, "control-plane": binaries.CONTROL, "node": binaries.NEEDED}
        programs = binaries.built(wanted[level])
        end(self.folder, keep=frozenset())
        self.folder.mkdir(parents=True, exist_ok=True)
        about = {"provider": "native", "level": level}
        (self.folder / RECORD).write_text(json.dumps(about))
        (self.folder / "bin").symlink_to(programs)
        try:
            start(self.folder, level)
        except BaseException:
            say(f"ending what was started; logs are in {self.folder / 'log'}")
            end(self.folder)
            raise
        lines = (f'KUBECONFIG="{self.folder}/admin.kubeconfig"', f'PATH="{self.folder}/bin:$PATH"')
        (self.folder / "env").write_text("".join(f"export {line}\n" for line in lines))
        say(f"ready; to use it: . {self.folder}/env")

    def down(self) -> None:
        """End the cluster; its logs stay until the next one."""
        end(self.folder)

    def load(self, archive: Path) -> None:
        """Load an archive of images, docker's kind or OCI's, into the node."""
        images.load(self.folder, archive)

    def image(self, target: str, name: str) -> None:
        """Build a target of the project's Dockerfile with buildah; load it where a node runs."""
        images.build(target, name)
        if node.runs(self.folder):
            images.pass_on(self.folder, name)

    def base(self, which: str) -> None:
        """Make a base image from Debian packages; load Postgres where a node runs."""
        name = bases.python() if which == "python" else bases.postgres()
        print(name)
        if which == "postgres" and node.runs(self.folder):
            images.pass_on(self.folder, name)


def start(folder: Path, level: Level) -> None:
    """Start the parts of this level in their order."""
    number = node.link(folder) if level == "node" else None
    network = control.Network(number)
    with step(f"starting {'the API server' if level == 'api' else 'the control plane'}"):
        control.start(folder, network, controllers=level != "api")
    if level == "node":
        with step("starting a node"):
            node.start(folder, network)


def end(folder: Path, keep: frozenset[str] = KEPT) -> None:
    """End everything that runs in this folder, and remove what it made but its logs."""
    found = {path.name for path in folder.iterdir()} if folder.exists() else set()
    if RECORD in found:
        with step("ending the cluster"):
            node.end(folder)
            control.end(folder)
    elif found - KEPT:
        raise Failure(f"{folder} holds no cluster and is not empty: give another folder.")
    made = [path for path in folder.iterdir() if path.name not in keep] if found else []
    for path in sorted(made, key=lambda path: path.name == RECORD):  # the record goes last
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    if folder.exists():
        with suppress(OSError):
            folder.rmdir()
