"""The native provider: several clusters side by side, a fresh one each time, and no trace after."""

import os
import signal
from pathlib import Path

import pytest
from cluster.native import processes
from cluster.use import Cluster, started

pytestmark = pytest.mark.full


def traces(folder: Path) -> list[str]:
    """Living processes that name the folder or work in it, and mounts beneath it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_text().replace("\0", " ")
            at = str((process / "cwd").readlink())
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        if words and int(process.name) != os.getpid() and str(folder) in f"{words} {at}":
            found.append(words)
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    return found + [line for line in mounts if str(folder) in line]


def outside() -> set[str]:
    """What a node has on this machine: interfaces and control groups."""
    links = {path.name for path in Path("/sys/class/net").glob("hk[0-9]*")}
    groups = {str(path) for path in Path("/sys/fs/cgroup").glob("**/hekaton-[0-9]*")}
    return links | groups


def test_two_control_planes_run_side_by_side_and_end_alone(tmp_path: Path) -> None:
    with started(tmp_path / "a", "api") as first:
        with started(tmp_path / "b", "api") as second:
            first.kubectl("create", "namespace", "only-here")
            assert "only-here" not in second.kubectl("get", "namespaces")
        assert "only-here" in first.kubectl("get", "namespaces")
        assert traces(tmp_path / "b") == []
    assert traces(tmp_path) == []


def test_a_second_start_in_the_same_folder_is_fresh(tmp_path: Path) -> None:
    for _ in range(2):
        with started(tmp_path / "again", "api") as cluster:
            cluster.kubectl("create", "namespace", "mine")


def test_what_was_killed_is_cleaned_up_by_the_next_down(tmp_path: Path) -> None:
    folder = tmp_path / "killed"
    with started(folder, "api"):
        for name in ("apiserver", "etcd"):
            pid = processes.living(folder, name)
            assert pid
            os.kill(pid, signal.SIGKILL)
    assert traces(folder) == []


def test_a_node_with_pods_leaves_nothing_though_it_is_killed(tmp_path: Path) -> None:
    before, folder = outside(), tmp_path / "node"
    with started(folder, "node") as cluster:
        pod(cluster)
        assert outside() > before
        around = processes.living(folder, "node")
        assert around
        os.kill(around, signal.SIGKILL)
    assert traces(folder) == []
    assert outside() <= before


def pod(cluster: Cluster) -> None:
    """Run a pod that does nothing until it is there."""
    image = ("--image=localhost/pause:1", "--image-pull-policy=IfNotPresent")
    cluster.kubectl("run", "idle", *image)
    cluster.kubectl("wait", "pod/idle", "--for=condition=Ready", "--timeout=120s")
