"""Kubernetes and its companions, built from pinned Go modules, once for each set of inputs."""

import os
import platform
import shutil
from pathlib import Path

from cluster.places import HERE, alone, cache, digest
from cluster.progress import Failure, say, step
from cluster.shell import run

KUBERNETES = "v1.36.3"
SOURCES = HERE / "go"
STRIP = "-s -w"
VERSION = " ".join(
    f"-X k8s.io/{module}/version.{name}={value}"
    for module in ("component-base", "client-go/pkg")
    for name, value in (("gitVersion", KUBERNETES), ("gitMajor", "1"), ("gitMinor", "36"))
)
"""Without these the server calls itself v0.0.0, and Helm's check of the version fails."""

CORE = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
    "kubelet",
    "kubectl",
)
TOOLS = {
    "helm": "helm.sh/helm/v4/cmd/helm@v4.2.4",
    "kubeconform": "github.com/yannh/kubeconform/cmd/kubeconform@v0.7.0",
    "coredns": "github.com/coredns/coredns@v1.14.7",
    "kwok": "sigs.k8s.io/kwok/cmd/kwok@v0.8.0",
}
NEEDED = (*CORE, "etcd", "helm", "kubeconform", "coredns")
CONTROL = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl", "etcd")


def built(names: tuple[str, ...] = NEEDED) -> Path:
    """The folder that holds these programs; what is missing is built first."""
    if unknown := sorted(set(names) - {*NEEDED, *TOOLS}):
        known = ", ".join(sorted({*NEEDED, *TOOLS}))
        raise Failure(f"No program {unknown[0]!r}; known: {known}.")
    key = digest(*(SOURCES / part / "go.mod" for part in ("kube", "etcd")), VERSION, repr(TOOLS))
    folder = cache() / f"bin-{platform.machine()}-{key}"
    if all((folder / name).exists() for name in names):
        return folder
    with alone("build"):
        folder.mkdir(exist_ok=True)
        for name in (each for each in names if not (folder / each).exists()):
            with step(f"building {name} (minutes when the Go cache is empty)"):
                _build(name, folder)
    return folder


def _build(name: str, folder: Path) -> None:
    """Build one program beside its place, then move it there: it is whole or absent."""
    if shutil.which("go") is None:
        raise Failure("Go is missing: install Go 1.26 or newer from https://go.dev/dl/.")
    work = folder.parent / f"{folder.name}.work"
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(SOURCES, work)  # go build writes go.sum: never into the checkout
    env = {"CGO_ENABLED": "0", "GOFLAGS": "-trimpath -mod=mod", "GOTOOLCHAIN": "local"}
    if name in TOOLS:
        env |= {"GOFLAGS": "-trimpath", "GOBIN": str(work)}
        run(["go", "install", "-ldflags", STRIP, TOOLS[name]], env=env)
    else:
        part = "etcd" if name == "etcd" else "kube"
        source = "go.etcd.io/etcd/server/v3" if name == "etcd" else f"k8s.io/kubernetes/cmd/{name}"
        flags = STRIP if name == "etcd" else f"{STRIP} {VERSION}"
        command = ["go", "build", "-ldflags", flags, "-o", str(work / name), source]
        run(command, cwd=work / part, env=env)
    os.replace(work / name, folder / name)
    shutil.rmtree(work)
    say(f"{name} is in {folder}")
