"""A control plane of the benchmark's own, with kwok's nodes and pods: real API server, etcd, controllers
and scheduler; only kubelets are played.

It lives in a new folder, so that nothing but the benchmark talks to it.
"""

import json
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cluster.native import binaries, processes
from cluster.use import Cluster, started
from figures.report import ROOT

CRDS = ("crds/formations.yaml", "crds/missions.yaml")


@contextmanager
def plane(nodes: int) -> Iterator[Cluster]:
    """With so many nodes; their pods become ready by themselves, and run until they are deleted."""
    programs = binaries.built((*binaries.CONTROL, "kwok"))
    folder = Path(tempfile.mkdtemp(prefix="hs-", dir="/tmp"))
    try:
        with started(folder / "c", "control-plane") as cluster:
            for each in CRDS:
                cluster.kubectl("apply", "--server-side", "-f", str(ROOT / each))
            cluster.kubectl("wait", "--for=condition=Established", "crd", "--all")
            cluster.kubectl("apply", "-f", "-", text=_nodes(nodes))
            words = ["--kubeconfig=admin.kubeconfig", "--manage-all-nodes", "--v=ERROR"]
            config = f"--config={Path(__file__).parent / 'kwok.yaml'}"
            processes.start(cluster.folder, "kwok", [programs / "kwok", *words, config])
            try:
                yield cluster
            finally:
                processes.end(cluster.folder, "kwok")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _nodes(count: int) -> str:
    items = [
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": f"played-{number}", "annotations": {"kwok.x-k8s.io/node": "fake"}},
        }
        for number in range(count)
    ]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})


@contextmanager
def held(cluster: Cluster) -> Iterator[None]:
    """Controllers, scheduler and kwok stand still: nobody takes Jobs further, and cores from the operator."""
    pids = [processes.living(cluster.folder, name) for name in ("manager", "scheduler", "kwok")]
    _signal(pids, signal.SIGSTOP)
    try:
        yield
    finally:
        _signal(pids, signal.SIGCONT)


def _signal(pids: list[int | None], what: signal.Signals) -> None:
    for pid in pids:
        if pid is not None:
            os.kill(pid, what)


def restart_api(cluster: Cluster) -> None:
    """Kill the API server as it is, and start it again with the same words."""
    words = _words(cluster.folder, "apiserver")
    processes.end(cluster.folder, "apiserver")
    processes.start(cluster.folder, "apiserver", words)


def _words(folder: Path, name: str) -> list[str]:
    pid = processes.living(folder, name)
    return Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0").split("\0")
