"""etcd, API server, controller manager and scheduler of one cluster; none of them needs root.

etcd listens on a socket in the cluster's folder, the controllers on nothing, and the API server on
a port that the system chose: any number of control planes run side by side.
"""

import json
import socket
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from cluster.native import pki, processes
from cluster.progress import Failure

ETCD = "unix://etcd:1"
PEER = "unix://peer:1"
"""Sockets in the folder; etcd insists on a form with a port, which is part of the name."""
AUDIT = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata"}],
}
STARTS = 120.0
"""Seconds that a program may take to start on a busy machine."""
NAMES = ("etcd", "apiserver", "manager", "scheduler")


@dataclass(frozen=True, slots=True)
class Network:
    """Addresses of one cluster; each has a number of its own, so that several can share a machine."""

    number: int | None = None
    """The cluster's number; None without a node."""

    @property
    def host(self) -> str:
        """This machine as pods see it; the API server is there."""
        return "127.0.0.1" if self.number is None else f"10.200.{self.number}.1"

    @property
    def node(self) -> str:
        """The node, and its DNS server."""
        return "127.0.0.1" if self.number is None else f"10.200.{self.number}.2"

    @property
    def pods(self) -> str:
        """Addresses of pods."""
        return f"10.201.{self.number or 0}.0/24"

    @property
    def services(self) -> str:
        """Addresses of services."""
        return f"10.202.{self.number or 0}.0/24"

    @property
    def addresses(self) -> tuple[str, ...]:
        """What the server's certificate must name."""
        return ("127.0.0.1", self.host, self.node, f"10.202.{self.number or 0}.1")


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


def start(folder: Path, network: Network, *, controllers: bool) -> None:
    """Start the control plane and wait until it answers; writes the kubeconfigs."""
    pki.make(folder / "pki", network.addresses)
    port = free_port()
    server = f"https://127.0.0.1:{port}"
    for user in ("admin", "manager", "scheduler"):
        _config(folder, user, server)
    for user in ("proxy", "node0"):
        _config(folder, user, f"https://{network.host}:{port}")
    (folder / "audit.yaml").write_text(json.dumps(AUDIT))
    _etcd(folder)
    _apiserver(folder, network, port)
    processes.until(lambda: ready(folder, server), STARTS, folder, ("etcd", "apiserver"))
    if controllers:
        _controllers(folder, network)


def _config(folder: Path, user: str, server: str) -> None:
    path = folder / f"{user}.kubeconfig"
    path.touch(mode=0o600)
    path.write_text(pki.kubeconfig(folder / "pki", user, server))


def _etcd(folder: Path) -> None:
    """The store; without fsync, since the cluster does not outlive the machine."""
    command = ["bin/etcd", "--data-dir", "etcd", "--unsafe-no-fsync", "--logger=zap"]
    command += ["--listen-client-urls", ETCD, "--advertise-client-urls", ETCD]
    command += ["--listen-peer-urls", PEER, "--initial-advertise-peer-urls", PEER]
    processes.start(folder, "etcd", [*command, "--initial-cluster", f"default={PEER}"])


def _apiserver(folder: Path, network: Network, port: int) -> None:
    """The API server, with every request noted in audit.log."""
    bind = "127.0.0.1" if network.number is None else "0.0.0.0"
    flags = {
        "etcd-servers": ETCD,
        "bind-address": bind,
        "secure-port": port,
        "advertise-address": network.host,
        "tls-cert-file": "pki/apiserver.crt",
        "tls-private-key-file": "pki/apiserver.key",
        "client-ca-file": "pki/ca.crt",
        "service-account-issuer": "https://kubernetes.default.svc",
        "service-account-key-file": "pki/sa.pub",
        "service-account-signing-key-file": "pki/sa.key",
        "service-cluster-ip-range": network.services,
        "authorization-mode": "Node,RBAC",
        "enable-admission-plugins": "NodeRestriction",
        "allow-privileged": "true",
        "kubelet-client-certificate": "pki/admin.crt",
        "kubelet-client-key": "pki/admin.key",
        "kubelet-certificate-authority": "pki/ca.crt",
        "kubelet-preferred-address-types": "InternalIP",
        "audit-policy-file": "audit.yaml",
        "audit-log-path": "audit.log",
        "audit-log-mode": "batch",
        "audit-log-batch-max-wait": "200ms",
        "audit-log-maxsize": 500,
    }
    if network.number is None:
        flags["endpoint-reconciler-type"] = "none"  # a loopback address can be no endpoint
    words = [f"--{name}={value}" for name, value in flags.items()]
    processes.start(folder, "apiserver", ["bin/kube-apiserver", *words])


def _controllers(folder: Path, network: Network) -> None:
    """Controller manager and scheduler, and the wait for what pods need: a service account."""
    quiet = ("--secure-port=0", "--leader-elect=false")
    keys = ("--cluster-signing-cert-file=pki/ca.crt", "--cluster-signing-key-file=pki/ca.key")
    accounts = ("--service-account-private-key-file=pki/sa.key", "--root-ca-file=pki/ca.crt")
    pods = ("--allocate-node-cidrs", f"--cluster-cidr={network.pods}", "--node-cidr-mask-size=24")
    processes.start(folder, "manager", ["bin/kube-controller-manager", *quiet, *keys, *accounts,
        "--kubeconfig=manager.kubeconfig", "--use-service-account-credentials", *pods,
        f"--service-cluster-ip-range={network.services}"])  # fmt: skip
    scheduler = ["bin/kube-scheduler", "--kubeconfig=scheduler.kubeconfig", *quiet]
    processes.start(folder, "scheduler", scheduler)
    path = "/api/v1/namespaces/default/serviceaccounts/default"
    there = lambda: answers(folder, path)  # noqa: E731
    processes.until(there, STARTS, folder, NAMES)


def ready(folder: Path, server: str) -> bool:
    """Whether the API server serves."""
    return answers(folder, "/readyz", server)


def answers(folder: Path, path: str, server: str | None = None) -> bool:
    """Whether the API server has something under this path."""
    try:
        return get(folder, path, server) is not None
    except (OSError, Failure):
        return False


def get(folder: Path, path: str, server: str | None = None) -> str:
    """What the API server holds under this path."""
    keys = folder / "pki"
    context = ssl.create_default_context(cafile=str(keys / "ca.crt"))
    context.load_cert_chain(keys / "admin.crt", keys / "admin.key")
    if server is None:
        config = json.loads((folder / "admin.kubeconfig").read_text())
        server = config["clusters"][0]["cluster"]["server"]
    try:
        with urllib.request.urlopen(f"{server}{path}", context=context, timeout=10) as reply:
            return str(reply.read().decode())
    except urllib.error.HTTPError as error:
        raise Failure(f"{path} answered {error.code}.") from error


def end(folder: Path) -> None:
    """End the control plane; etcd last, for the API server hangs without it."""
    for name in ("scheduler", "manager", "apiserver", "etcd"):
        processes.end(folder, name)
