"""A control plane with our CRDs, and operators as plain processes beside it: no node, no images."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cluster.use import Cluster, started
from cluster.waiting import until
from storms.proxy import Proxy, between

ROOT = Path(__file__).resolve().parents[2]
LEASE = ("get", "lease", "hekaton-operator", "-o", "jsonpath={.spec.holderIdentity}")


@dataclass(frozen=True, slots=True)
class Operator:
    """A replica."""

    name: str
    process: "subprocess.Popen[bytes]"
    log: Path
    port: int
    """Of /healthz."""

    def end(self, how: signal.Signals = signal.SIGTERM) -> float:
        """End it; the seconds that it took."""
        begun = time.monotonic()
        self.process.send_signal(how)
        self.process.wait(30)
        return time.monotonic() - begun


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with started(tmp_path_factory.mktemp("plane"), "control-plane") as cluster:
        crds = ("-f", str(ROOT / "crds/formations.yaml"), "-f", str(ROOT / "crds/missions.yaml"))
        cluster.kubectl("apply", "--server-side", *crds)
        cluster.kubectl("wait", "--for=condition=Established", "crd", "--all")
        yield cluster


def own_account(plane: Cluster, name: str, folder: Path, server: str) -> Path:
    """A kubeconfig of an account of the replica's own: the audit log tells replicas apart by it.
    `server`: another address than the API server's own."""
    account = f"replica-{name}"
    if plane.run("kubectl", "get", "serviceaccount", account).code:  # a replica of an earlier test
        plane.kubectl("create", "serviceaccount", account)
        bound = ("--clusterrole=cluster-admin", f"--serviceaccount=default:{account}")
        plane.kubectl("create", "clusterrolebinding", account, *bound)
    token = plane.kubectl("create", "token", account).strip()
    config = json.loads(plane.kubeconfig.read_text())
    config["users"] = [{"name": each["name"], "user": {"token": token}} for each in config["users"]]
    if server:
        config["clusters"] = [
            {"name": e["name"], "cluster": {"server": server}} for e in config["clusters"]
        ]
    made = folder / f"{name}.kubeconfig"
    made.touch(mode=0o600)
    made.write_text(json.dumps(config))
    return made


@pytest.fixture
def operate(plane: Cluster, tmp_path: Path) -> Iterator[Callable[..., Operator]]:
    """Starts replicas; the database is nowhere, which must not matter to formations."""
    made: list[Operator] = []

    def start(name: str, server: str = "") -> Operator:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        environ = {
            **plane.environ,
            "KUBECONFIG": str(own_account(plane, name, tmp_path, server)),
            "HEKATON_POD_NAME": name,
            "HEKATON_IMAGE_RUNTIME": "localhost/none:1",
            "HEKATON_DB_HOST": "127.0.0.1",
            "HEKATON_DB_PORT": "9",
            "HEKATON_TENANT_ROLES": "false",  # there is nobody to make them
            "HEKATON_HEALTH_PORT": str(port),
        }
        log = tmp_path / f"{name}.log"
        with log.open("wb") as out:
            words = [sys.executable, "-m", "hekaton_operator"]
            process = subprocess.Popen(words, env=environ, stderr=out, cwd=os.sep)
        made.append(Operator(name, process, log, port))
        return made[-1]

    yield start
    for each in made:
        if each.process.poll() is None:
            each.end()


@pytest.fixture
def proxy(plane: Cluster) -> Iterator[Proxy]:
    """Between an operator and the API server."""
    config = json.loads(plane.kubeconfig.read_text())
    with between(config["clusters"][0]["cluster"]["server"], plane.folder / "pki/ca.crt") as made:
        yield made


def led_by(plane: Cluster, name: str) -> str:
    """What is wrong with the leadership."""
    said = plane.run("kubectl", *LEASE)
    return "" if said.out == name else f"{said.out or said.error!r} leads, not {name}"


@pytest.fixture
def leads(plane: Cluster) -> Callable[[str, float], float]:
    """Waits until a replica leads; the seconds that it took."""
    return lambda name, seconds: until(lambda: led_by(plane, name), seconds)
