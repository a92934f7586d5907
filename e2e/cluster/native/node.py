"""One real node, in namespaces of its own: mounts, processes and network are gone when it ends.

The only thing outside is a pair of network interfaces, whose end on this machine has the address
that pods reach the API server under; it goes with its other end. Linux, root.
"""

import os
import shutil
import signal
import sys
from contextlib import suppress
from pathlib import Path

from cluster.native import control, images, processes
from cluster.native.configs import write
from cluster.places import HERE
from cluster.progress import Failure
from cluster.shell import run, works

NUMBERS = range(200)
CGROUPS = Path("/sys/fs/cgroup")
READY = 120.0
"""Seconds from start to a node that is Ready."""


def link(folder: Path) -> int:
    """Make the interface of the first free number, which reserves it for this cluster."""
    for number in NUMBERS:
        name = f"hk{number}"
        if (Path("/sys/class/net") / name).exists():
            continue
        if works(["ip", "link", "add", name, "type", "veth", "peer", "name", f"{name}p"]):
            (folder / "number").write_text(str(number))
            run(["ip", "address", "add", f"10.200.{number}.1/24", "dev", name])
            run(["ip", "link", "set", name, "up"])
            return number
    raise Failure("All numbers of clusters are taken: `ip link` lists them as hk0, hk1, ...")


def start(folder: Path, network: control.Network) -> None:
    """Start the node's first process in new namespaces and wait until the node is Ready."""
    write(folder, network)
    shutil.copy(images.pause(), folder / "node" / "pause.tar")
    spaces = ["unshare", "--fork", "--kill-child", "--pid", "--mount", "--net", "--mount-proc"]
    inside = [sys.executable, "-m", "cluster.native.inside", str(folder), str(network.number)]
    env = {"PYTHONPATH": str(HERE.parent)}
    processes.start(folder, "node", [*spaces, *inside], env=env)
    processes.until(lambda: first(folder) is not None, 10, folder, ["node"])
    name = f"hk{network.number}"
    run(["ip", "link", "set", f"{name}p", "netns", str(first(folder))])
    for target in (network.pods, network.services):  # from here to pods and services
        run(["ip", "route", "add", target, "via", network.node, "dev", name])
    processes.until(lambda: is_ready(folder), READY, folder, ["node"])


def first(folder: Path) -> int | None:
    """The node's first process, as this machine numbers it: the child of `unshare`."""
    around = processes.living(folder, "node")
    if around is None:
        return None
    with suppress(FileNotFoundError, ProcessLookupError):
        found = Path(f"/proc/{around}/task/{around}/children").read_text().split()
        return int(found[0]) if found else None
    return None


def runs(folder: Path) -> bool:
    """Whether this folder's cluster has a node."""
    return processes.living(folder, "node") is not None


def is_ready(folder: Path) -> bool:
    """Whether the kubelet reports the node Ready."""
    try:
        text = control.get(folder, "/api/v1/nodes/node0")
    except (OSError, Failure):
        return False
    return '"reason":"KubeletReady"' in text and '"type":"Ready","status":"True"' in text


def end(folder: Path) -> None:
    """End the node; the kernel ends all that ran within it."""
    try:
        number = (folder / "number").read_text()
    except FileNotFoundError:
        return
    inner = first(folder)
    if inner is not None:
        with suppress(ProcessLookupError):
            os.kill(inner, signal.SIGTERM)
        processes.soon(lambda: processes.living(folder, "node") is None, 10)
    processes.end(folder, "node")
    if (Path("/sys/class/net") / f"hk{number}").exists():
        works(["ip", "link", "delete", f"hk{number}"])
    for top in (*CGROUPS.glob(f"*/hekaton-{number}"), *CGROUPS.glob(f"hekaton-{number}")):
        _remove_groups(top)


def _remove_groups(top: Path) -> None:
    """Remove a tree of control groups, the innermost first."""
    folders = [Path(at) for at, _, _ in os.walk(top, topdown=False)]
    for folder in folders:
        gone = lambda folder=folder: _removed(folder)  # noqa: E731
        processes.soon(gone, 5)


def _removed(folder: Path) -> bool:
    """Whether the group is gone; it stays busy until its last process has been reaped."""
    with suppress(OSError):
        folder.rmdir()
    return not folder.exists()
