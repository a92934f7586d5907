"""Faults on a cluster of ours: programs ended by their process id, as a machine would end them.

Only the native provider's processes are this machine's, so these promises are about it.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from cluster.native import processes
from cluster.places import HERE
from cluster.waiting import until
from promises.kubectl import Namespace

PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Container:
    """One container, by its pod's labels and its name."""

    selector: str
    name: str

    def kill(self, space: Namespace, pod: str = "") -> None:
        """`kill -9` its first process in this pod, or in every one."""
        for held in self._ids(space, pod):
            for pid in within(held):
                if number(pid) == 1:
                    os.kill(pid, signal.SIGKILL)

    def kill_children(self, space: Namespace) -> None:
        """`kill -9` all that its first process started."""
        for pid in self.all(space):
            if number(pid) != 1:
                with suppress(ProcessLookupError):  # its parent took it along
                    os.kill(pid, signal.SIGKILL)

    def all(self, space: Namespace) -> list[int]:
        """Every process of it in every pod."""
        return [pid for held in self._ids(space) for pid in within(held)]

    def _ids(self, space: Namespace, pod: str = "") -> list[str]:
        found = []
        for each in space.listed("pods", self.selector):
            if pod not in ("", each["metadata"]["name"]):
                continue
            status = each["status"]
            both = (*status.get("containerStatuses", ()), *status.get("initContainerStatuses", ()))
            found += [
                one["containerID"].rpartition("/")[2]
                for one in both
                if one["name"] == self.name and "running" in one["state"]
            ]
        assert found, f"no container {self.name!r} runs in pods {self.selector!r}"
        return found


def within(container: str) -> list[int]:
    """Processes of this machine that belong to a container, by their control group."""
    found = []
    for folder in PROC.iterdir():
        with suppress(OSError):  # some end meanwhile
            if folder.name.isdecimal() and container in (folder / "cgroup").read_text():
                found.append(int(folder.name))
    return found


def number(pid: int) -> int:
    """The process's number in its own namespace; 0 when it has ended."""
    try:
        lines = (PROC / str(pid) / "status").read_text().splitlines()
    except OSError:
        return 0
    return int(next(line for line in lines if line.startswith("NSpid")).split()[-1])


def kill_program(folder: Path, name: str) -> None:
    """`kill -9` one of the node's programs; the node's first process starts it again."""
    for pid in children(folder, name):
        os.kill(pid, signal.SIGKILL)


def children(folder: Path, name: str) -> list[int]:
    """Processes of a node's program, by its command line."""
    start = {"kubelet": f"{folder}/bin/kubelet", "containerd": "containerd"}[name]
    asked = f"{folder}/node" if name == "containerd" else f"{folder}/node0.kubeconfig"
    found = []
    for each in PROC.iterdir():
        if each.name.isdecimal():
            words = _words(each)
            if words and words[0] == start and any(asked in word for word in words[1:]):
                found.append(int(each.name))
    assert found, f"no {name} of {folder} runs"
    return found


def _words(process: Path) -> list[str]:
    try:
        return (process / "cmdline").read_bytes().decode().split("\0")[:-1]
    except OSError:
        return []


def outage(folder: Path, name: str, seconds: float) -> None:
    """`kill -9` a program of the control plane and start it again, the same, after so long."""
    pid = processes.living(folder, name)
    assert pid is not None, f"{name} does not run"
    command = _words(PROC / str(pid))
    os.kill(pid, signal.SIGKILL)
    until(lambda: "still there" if processes.living(folder, name) else "", 10, 0.1)
    time.sleep(seconds)
    again(folder, name, command)


def again(folder: Path, name: str, command: list[str]) -> None:
    """Start a program as the cluster does: by a process that ends, so that nobody here waits for it."""
    words = "import sys, pathlib; from cluster.native.processes import start; start(pathlib.Path(sys.argv[1]), *sys.argv[2:3], sys.argv[3:])"
    subprocess.run(
        [sys.executable, "-c", words, folder, name, *command], check=True, cwd=HERE.parent
    )


def frozen(pids: list[int], seconds: float) -> None:
    """Stop processes for a while; they go on as if nothing had been."""
    with stopped(pids):
        time.sleep(seconds)


@contextmanager
def stopped(pids: list[int]) -> Iterator[None]:
    """Processes stand still meanwhile."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
