"""The first process within a node's namespaces: prepares them, starts the programs, reaps.

Whatever ends is started again, as an init system would. On SIGTERM it ends, and the kernel ends
with it every other process of the node.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from cluster.native.configs import SOCKET
from cluster.progress import say
from cluster.shell import run, works

AGAIN = 1.0
"""Seconds before a program that has ended is started again."""


def commands(folder: Path, number: str) -> dict[str, list[str]]:
    """The programs of a node, in the order of their start."""
    node = f"10.200.{number}.2"
    return {
        "containerd": ["containerd", "-c", f"{folder}/node/containerd.toml"],
        "kubelet": [
            f"{folder}/bin/kubelet",
            f"--kubeconfig={folder}/node0.kubeconfig",
            f"--config={folder}/node/kubelet.yaml",
            "--hostname-override=node0",
            f"--node-ip={node}",
            f"--root-dir={folder}/node/kubelet",
        ],
        "proxy": [f"{folder}/bin/kube-proxy", f"--config={folder}/node/proxy.yaml"],
        "coredns": [f"{folder}/bin/coredns", "-conf", f"{folder}/node/Corefile"],
    }


def mounts(folder: Path) -> None:
    """Lay private folders over those that the programs insist on, so that nothing stays behind."""
    run(["mount", "--make-rshared", "/"])
    for path in ("/run", "/var/log"):
        run(["mount", "-t", "tmpfs", "-o", "mode=755", "node", path])
    upper, work = folder / "node" / "lib", folder / "node" / "lib.work"
    upper.mkdir()
    work.mkdir()
    layers = f"lowerdir=/var/lib,upperdir={upper},workdir={work}"
    run(["mount", "-t", "overlay", "-o", layers, "node", "/var/lib"])


def network(number: str) -> None:
    """Wait for the interface from outside, then give it the node's address."""
    name = f"hk{number}p"
    while not works(["ip", "link", "show", name]):
        time.sleep(0.05)
    run(["ip", "link", "set", "lo", "up"])
    run(["ip", "address", "add", f"10.200.{number}.2/24", "dev", name])
    run(["ip", "link", "set", name, "up"])
    run(["ip", "route", "add", "default", "via", f"10.200.{number}.1"])
    for setting in ("ip_forward", "conf/all/route_localnet"):
        Path(f"/proc/sys/net/ipv4/{setting}").write_text("1")
    works(["modprobe", "br_netfilter"])
    bridged = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")
    if bridged.exists():
        bridged.write_text("1")


def groups(number: str) -> None:
    """Make the node's own root of control groups, on version 1 and 2."""
    top = Path("/sys/fs/cgroup")
    unified = (top / "cgroup.controllers").exists()
    folders = [top] if unified else [path for path in top.iterdir() if not path.is_symlink()]
    for folder in folders:
        own = folder / f"hekaton-{number}"
        own.mkdir(exist_ok=True)
        for name in ("cpuset.cpus", "cpuset.mems"):
            if not unified and (own / name).exists():
                (own / name).write_text((folder / name).read_text())


def launch(folder: Path, name: str, command: list[str]) -> "subprocess.Popen[bytes]":
    """Start one program; its output goes to log/NAME."""
    with (folder / "log" / name).open("ab") as log:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def main(folder: Path, number: str) -> None:
    """Prepare, start, and reap for ever."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    mounts(folder)
    groups(number)
    network(number)
    programs = commands(folder, number)
    running: dict[str, subprocess.Popen[bytes]] = {}
    for name, command in programs.items():
        running[name] = launch(folder, name, command)
        if name == "containerd":
            while not (folder / SOCKET).exists():
                time.sleep(0.05)
            archive = folder / "node" / "pause.tar"
            run(["ctr", "-a", folder / SOCKET, "-n", "k8s.io", "images", "import", archive])
    say("all programs are started")
    while True:
        pid, status = os.wait()
        for name in [each for each, process in running.items() if process.pid == pid]:
            say(f"{name} ended with status {os.waitstatus_to_exitcode(status)}; starting it again")
            time.sleep(AGAIN)
            running[name] = launch(folder, name, programs[name])


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
