"""`hekaton serve --cluster` as a process against an API server, with the rights that the chart gives it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from chart.helm import found
from cluster.use import Cluster
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
SPACE, RELEASE = "tasks", "hekaton-system"
KEY = "0123456789abcdef"
RIGHTS = {"ServiceAccount", "Role", "RoleBinding"}


def rights() -> str:
    """The chart's own objects, for a namespace of Missions that is not the release's."""
    objects = found().objects("service.enabled=true", "service.formation=team", f"service.namespace={SPACE}")  # fmt: skip
    mine = [
        each
        for each in objects
        if each["kind"] in RIGHTS and each["metadata"]["name"] == "hekaton-service"
    ]
    assert {each["kind"] for each in mine} == RIGHTS
    return "\n---\n".join(map(json.dumps, mine))


@pytest.fixture(scope="module")
def plane(api: Cluster) -> Cluster:
    """With our CRDs, the two namespaces, and the service's rights."""
    crds = ("-f", str(ROOT / "crds/formations.yaml"), "-f", str(ROOT / "crds/missions.yaml"))
    api.kubectl("apply", "--server-side", *crds)
    api.kubectl("wait", "--for=condition=Established", "crd", "--all")
    for name in (SPACE, RELEASE):
        api.kubectl("create", "namespace", name)
    api.kubectl("apply", "-f", "-", text=rights())
    return api


@pytest.fixture(scope="module")
def token(plane: Cluster) -> str:
    return plane.kubectl("-n", RELEASE, "create", "token", "hekaton-service").strip()


@pytest.fixture
def kubeconfig(plane: Cluster, token: str, tmp_path: Path) -> Path:
    """That of the service account: what it may do is what the process may do."""
    config = json.loads(plane.kubectl("config", "view", "--raw", "--minify", "--output=json"))
    config["users"][0]["user"] = {"token": token}
    path = tmp_path / "service.kubeconfig"
    with path.open("w") as file:
        YAML(typ="safe", pure=True).dump(config, file)
    return path


@pytest.fixture
def url(kubeconfig: Path) -> Iterator[str]:
    """A running service."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [sys.executable, "-m", "hekaton_runtime.cli.main", "serve", "--cluster", "--port", str(port)]  # fmt: skip
    words += ["--namespace", SPACE, "--formation", "team"]
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("HEKATON_", "KUBERNETES_"))}
    environ = {**clean, "KUBECONFIG": str(kubeconfig), "HEKATON_API_KEYS": f"ann:{KEY}"}
    process = subprocess.Popen(words, env=environ, cwd=os.sep)
    at = f"http://127.0.0.1:{port}"
    try:
        ready(at)
        yield at
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def ready(at: str) -> None:
    """Until it says so itself."""
    until = time.monotonic() + 60
    while why := unready(at):
        assert time.monotonic() < until, why
        time.sleep(0.2)


def unready(at: str) -> str:
    """Why it is not; empty where it is."""
    try:
        with urlopen(f"{at}/readyz", timeout=5):
            return ""
    except OSError as fault:
        return repr(fault)


@pytest.fixture
def ask(url: str) -> Any:
    def send(method: str, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "X-API-Key": KEY}
        with urlopen(Request(f"{url}{path}", data, headers, method=method), timeout=30) as reply:
            return json.loads(reply.read())

    return send
