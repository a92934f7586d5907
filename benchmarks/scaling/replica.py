"""An operator as a process of its own, and what it says and takes."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from cluster.use import Cluster

MIB = 1024 * 1024
TICK = os.sysconf("SC_CLK_TCK")
CALM = 1.5
"""Seconds without a reconcile after which all counts as done."""


@dataclass(frozen=True, slots=True)
class Replica:
    process: "subprocess.Popen[bytes]"
    port: int
    log: Path
    began: float
    """When it was started, by time.monotonic."""

    def figure(self, name: str) -> float:
        """The sum of a metric over its labels; 0 while it does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=5) as got:
                text = got.read().decode()
        except OSError:
            return 0.0
        found = re.findall(rf"^hekaton_operator_{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE)
        return sum(float(each) for each in found)

    def memory(self) -> tuple[float, float]:
        """MiB resident now, and at most so far."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        now, peak = (int(re.findall(rf"{name}:\s+(\d+)", text)[0]) for name in ("VmRSS", "VmHWM"))
        return now / 1024, peak / 1024

    def cpu(self) -> float:
        """Seconds of CPU."""
        return cpu(self.process.pid)

    def steady(self, least: float = 0.0, patience: float = 600.0) -> float:
        """Seconds from its start until its last reconcile: then nothing waited and nothing came."""
        seen, last = -1.0, time.monotonic()
        end = last + patience
        while time.monotonic() < end and self.process.poll() is None:
            done = self.figure("reconciles_total")
            if done != seen:
                seen, last = done, time.monotonic()
            if done > least and time.monotonic() - last > CALM and not self.figure("queue_depth"):
                return last - self.began
            time.sleep(0.2)
        raise TimeoutError(f"never steady: {self.log.read_text()[-2000:]}")

    def told(self) -> bool:
        """Show its last words; False, as it is over."""
        print(self.log.read_text()[-3000:], file=sys.stderr)
        return False

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(60)


def cpu(pid: int) -> float:
    """Seconds of CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def start(cluster: Cluster, name: str, database: str) -> Replica:
    """`database`: the folder of PostgreSQL's socket."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    environ = {
        **cluster.environ,
        "HEKATON_POD_NAME": name,
        "HEKATON_IMAGE_RUNTIME": "localhost/none:1",
        "HEKATON_DB_HOST": database,
        "HEKATON_DB_NAME": "postgres",
        "HEKATON_DB_USER": "postgres",
        "HEKATON_HEALTH_PORT": str(port),
        "HEKATON_LOG_LEVEL": "info",
    }
    log = cluster.folder.parent / f"{name}.log"
    with log.open("ab") as out:
        words = [sys.executable, "-P", "-m", "hekaton_operator"]
        process = subprocess.Popen(words, env=environ, stderr=out, cwd="/")
    return Replica(process, port, log, time.monotonic())


def leads(cluster: Cluster, name: str, patience: float = 60.0) -> float:
    """Seconds until the Lease names it."""
    path = "jsonpath={.spec.holderIdentity}"
    began = time.monotonic()
    while time.monotonic() - began < patience:
        if cluster.run("kubectl", "get", "lease", "hekaton-operator", "-o", path).out == name:
            return time.monotonic() - began
        time.sleep(0.1)
    raise TimeoutError(f"{name} does not lead after {patience:g} s.")
