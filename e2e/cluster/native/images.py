"""Container images without a daemon and without a registry: built by buildah, loaded by ctr."""

import hashlib
import io
import json
import platform
import shutil
import tarfile
from pathlib import Path

from cluster.native import bases, packages
from cluster.native.configs import PAUSE, SOCKET
from cluster.places import HERE, ROOT, cache, digest
from cluster.progress import Failure, step
from cluster.shell import run

MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
SOURCE = HERE / "native" / "pause.c"
EPOCH = "1767225600"
"""The time of every file of a layer, and of the image, in seconds: the Dockerfile's SOURCE_DATE_EPOCH."""


def pause() -> Path:
    """The image that holds a pod's namespaces open, as an archive; made from forty lines of C."""
    archive = cache() / f"pause-{platform.machine()}-{digest(SOURCE)}.tar"
    if archive.exists():
        return archive
    work = cache() / f"{archive.name}.work"
    work.mkdir(exist_ok=True)
    run(["gcc", "-static", "-O2", "-o", work / "pause", SOURCE])
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as files:  # no owner, no time: the same each time
        info, program = tarfile.TarInfo("pause"), (work / "pause").read_bytes()
        info.size, info.mode = len(program), 0o755
        files.addfile(info, io.BytesIO(program))
    data = layer.getvalue()
    config = json.dumps(
        {
            "architecture": MACHINES.get(platform.machine(), platform.machine()),
            "os": "linux",
            "config": {"Entrypoint": ["/pause"]},
            "rootfs": {
                "type": "layers",
                "diff_ids": [f"sha256:{hashlib.sha256(data).hexdigest()}"],
            },
        }
    ).encode()
    name = f"{hashlib.sha256(config).hexdigest()}.json"
    listed = [{"Config": name, "RepoTags": [PAUSE], "Layers": ["layer.tar"]}]
    _write(
        work / "image.tar",
        {name: config, "layer.tar": data, "manifest.json": json.dumps(listed).encode()},
    )
    (work / "image.tar").rename(archive)
    shutil.rmtree(work)
    return archive


def _write(archive: Path, members: dict[str, bytes]) -> None:
    with tarfile.open(archive, "w") as files:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            files.addfile(info, io.BytesIO(data))


def load(folder: Path, archive: Path) -> None:
    """Load an archive (docker or OCI) into the node of the cluster in `folder`."""
    socket = folder.absolute() / SOCKET
    if not socket.exists():
        raise Failure(f"No node runs in {folder}: start one with `e2e/cluster/up {folder}`.")
    if not archive.exists():
        raise Failure(f"No archive {str(archive)!r}.")
    with step(f"loading {archive.name}"):
        run(["ctr", "-a", socket, "-n", "k8s.io", "images", "import", archive])


def build(target: str, name: str) -> None:
    """Build a target of the project's Dockerfile under this name, into buildah's store."""
    packages.need(packages.IMAGE)
    base = bases.python()
    with step(f"building {name} (Dockerfile target {target})"):
        words = ["--layers", "--network", "host", "--build-arg", f"BASE_IMAGE={base}"]
        words += ["--build-arg", "VLLM=none"]  # a node without a GPU brings its own, by hostPath
        made(ROOT, name, *words, "--target", target)


def made(context: Path, name: str, *words: str) -> str:
    """Build a folder's Dockerfile so that the same files give the same image; its digest."""
    bases.buildah("bud", "--timestamp", EPOCH, *words, "-t", name, str(context))
    found: str = json.loads(bases.buildah("images", "--json", name))[0]["digest"]
    return found


def pass_on(folder: Path, name: str) -> None:
    """Load an image of buildah's store into the node."""
    archive = cache() / f"passing-{digest(str(folder), name)}.tar"
    archive.unlink(missing_ok=True)
    try:
        with step(f"writing {name}"):
            bases.buildah("push", "-q", name, f"docker-archive:{archive}:{name}")
        load(folder, archive)
    finally:
        archive.unlink(missing_ok=True)
