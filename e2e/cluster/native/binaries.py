"""Kubernetes and its companions, built from pinned Go modules, once for each set of inputs.

KUBERNETES=1.34.4 in the environment asks for the older of the two versions that the promises are
tried on; what is not Kubernetes' own is the same for both.
"""

import os
import platform
import shutil
from pathlib import Path

from cluster.places import HERE, alone, cache, digest
from cluster.progress import Failure, say, step
from cluster.shell import run

KUBERNETES = "v1.36.3"
SOURCES = HERE / "go"
VERSIONS = {"1.36.3": "kube", "1.34.4": "kube-1.34"}
"""What KUBERNETES may say, and the folder of the module that pins it; the first when it says nothing."""
STRIP = "-s -w"

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
API = ("kube-apiserver", "kubectl", "etcd", "helm")
CONTROL = (*API, "kube-controller-manager", "kube-scheduler")
CHECKS = {"kube-linter": "golang.stackrox.io/kube-linter/cmd/kube-linter@v0.8.3"}
"""Programs that judge manifests, in a folder of their own: a new one builds nothing else anew."""


def version() -> str:
    """The version of Kubernetes that is asked for."""
    given = os.environ.get("KUBERNETES", "").removeprefix("v") or next(iter(VERSIONS))
    if given not in VERSIONS:
        raise Failure(f"KUBERNETES is {given!r}; give one of {', '.join(VERSIONS)}.")
    return given


def built(names: tuple[str, ...] = NEEDED, kubernetes: str | None = None) -> Path:
    """The folder that holds these programs; what is missing is built first."""
    kubernetes = kubernetes or version()
    if unknown := sorted(set(names) - {*NEEDED, *TOOLS}):
        known = ", ".join(sorted({*NEEDED, *TOOLS}))
        raise Failure(f"No program {unknown[0]!r}; known: {known}.")
    parts = (SOURCES / part / "go.mod" for part in (VERSIONS[kubernetes], "etcd"))
    folder = _folder(digest(*parts, _flags(kubernetes), repr(TOOLS)))
    missing = [name for name in names if not (folder / name).exists()]
    usual = next(iter(VERSIONS))
    if shared := [name for name in missing if name not in CORE and kubernetes != usual]:
        there = built(tuple(shared), usual)
        for name in shared:
            (folder / name).symlink_to(there / name)
    _make(tuple(name for name in missing if name not in shared), folder, kubernetes)
    return folder


def checks() -> Path:
    """The folder with the programs that judge manifests; what is missing is built first."""
    folder = _folder(digest(repr(CHECKS)))
    missing = tuple(name for name in CHECKS if not (folder / name).exists())
    _make(missing, folder, version())
    return folder


def _folder(key: str) -> Path:
    folder = cache() / f"bin-{platform.machine()}-{key}"
    folder.mkdir(exist_ok=True)
    return folder


def _flags(kubernetes: str) -> str:
    """Without these the server calls itself v0.0.0, and Helm's check of the version fails."""
    minor = kubernetes.split(".")[1]
    return " ".join(
        f"-X k8s.io/{module}/version.{name}={value}"
        for module in ("component-base", "client-go/pkg")
        for name, value in (
            ("gitVersion", f"v{kubernetes}"),
            ("gitMajor", "1"),
            ("gitMinor", minor),
        )
    )


def _make(names: tuple[str, ...], folder: Path, kubernetes: str) -> None:
    """Build what another process has not built meanwhile."""
    if not names:
        return
    with alone("build"):
        for name in (each for each in names if not (folder / each).exists()):
            with step(f"building {name} (minutes when the Go cache is empty)"):
                _build(name, folder, kubernetes)


def _build(name: str, folder: Path, kubernetes: str) -> None:
    """Build one program beside its place, then move it there: it is whole or absent."""
    if shutil.which("go") is None:
        raise Failure("Go is missing: install Go 1.26 or newer from https://go.dev/dl/.")
    work = folder.parent / f"{folder.name}.work"
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(SOURCES, work)  # go build writes go.sum: never into the checkout
    made = work / "made"  # go build -o FOLDER puts the program into it: sources have an etcd/
    made.mkdir()
    env = {"CGO_ENABLED": "0", "GOFLAGS": "-trimpath -mod=mod", "GOTOOLCHAIN": "local"}
    if module := {**TOOLS, **CHECKS}.get(name):
        env |= {"GOFLAGS": "-trimpath", "GOBIN": str(made)}
        run(["go", "install", "-ldflags", STRIP, module], env=env)
    else:
        etcd = name == "etcd"
        part = "etcd" if etcd else VERSIONS[kubernetes]
        source = "go.etcd.io/etcd/server/v3" if etcd else f"k8s.io/kubernetes/cmd/{name}"
        flags = STRIP if etcd else f"{STRIP} {_flags(kubernetes)}"
        command = ["go", "build", "-ldflags", flags, "-o", str(made / name), source]
        run(command, cwd=work / part, env=env)
    os.replace(made / name, folder / name)
    shutil.rmtree(work)
    say(f"{name} is in {folder}")
