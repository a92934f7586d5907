"""The chart on an API server, and the operator beside it as nobody but its own service account."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cluster.objects import Object, formation, together
from cluster.use import Cluster, started
from install.conftest import NAMESPACE, Release

OPERATOR = f"system:serviceaccount:{NAMESPACE}:hekaton-operator"
TEAM = "team-a"
Wrong = Callable[[], str]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with started(tmp_path_factory.mktemp("rights"), "api") as cluster:
        yield cluster


@dataclass(frozen=True, slots=True)
class Stage:
    """One way of installing, with the operator at work in a team's namespace."""

    cluster: Cluster
    watched: str
    """Namespace that the operator serves; empty: all."""
    since: str
    """When it began, as the audit log writes it: another mode's operator was there before."""

    def kubectl(self, *words: str, text: str | None = None) -> str:
        return self.cluster.kubectl("-n", TEAM, *words, text=text)

    def apply(self, *objects: Object) -> None:
        words = ("apply", "--server-side", "--force-conflicts", "-f", "-")
        self.kubectl(*words, text=together(*objects))

    def listed(self, what: str, *words: str) -> list[dict[str, Any]]:
        return self.cluster.listed(TEAM, what, *words)

    def condition(self, what: str, kind: str) -> str:
        """Status and reason."""
        path = f"jsonpath={{.status.conditions[?(@.type=='{kind}')]}}"
        said = self.kubectl("get", what, "--ignore-not-found", "-o", path)
        body = json.loads(said) if said else {}
        return f"{body.get('status', '')} {body.get('reason', '')}"

    def requests(self) -> list[dict[str, Any]]:
        """All that the operator's account asked since."""
        lines = (self.cluster.folder / "audit.log").read_text().splitlines()
        events = (json.loads(line) for line in lines)
        return [
            each
            for each in events
            if each["user"].get("username") == OPERATOR
            and each["requestReceivedTimestamp"] >= self.since
        ]


@contextmanager
def installed(cluster: Cluster, folder: Path, watched: str) -> Iterator[Stage]:
    """The chart and the operator in this mode; nothing is left of either."""
    for name in (TEAM, NAMESPACE):
        cluster.run("kubectl", "create", "namespace", name)
    release = Release(cluster)
    release.install(*(("--set", f"watchNamespace={watched}") if watched else ()))
    since = datetime.now(UTC).isoformat()
    process = operator(cluster, folder, watched)
    try:
        yield Stage(cluster, watched, since)
    finally:
        process.terminate()
        process.wait(30)
        release.uninstall()
        cluster.kubectl("-n", TEAM, "delete", "formations,missions,statefulsets,jobs,pods", "--all")
        kinds = "controllerrevisions,configmaps,secrets,services,serviceaccounts,networkpolicies,poddisruptionbudgets,resourceclaimtemplates"
        ours = "app.kubernetes.io/managed-by=hekaton-operator"
        cluster.kubectl("-n", TEAM, "delete", kinds, "-l", ours)
        cluster.kubectl("delete", "crd", "formations.hekaton.dev", "missions.hekaton.dev")
        cluster.kubectl("-n", NAMESPACE, "delete", "--ignore-not-found", "secret,lease", "--all")


def operator(cluster: Cluster, folder: Path, watched: str) -> "subprocess.Popen[bytes]":
    """As its service account: the token is all that it has."""
    token = cluster.kubectl("-n", NAMESPACE, "create", "token", "hekaton-operator").strip()
    config = json.loads(cluster.kubeconfig.read_text())
    config["users"] = [{"name": each["name"], "user": {"token": token}} for each in config["users"]]
    own = folder / "operator.kubeconfig"
    own.touch(mode=0o600)
    own.write_text(json.dumps(config))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environ = {
        **os.environ,
        "KUBECONFIG": str(own),
        "HEKATON_NAMESPACE": NAMESPACE,
        "HEKATON_POD_NAME": "rights",
        "HEKATON_WATCH_NAMESPACE": watched,
        "HEKATON_IMAGE_RUNTIME": "localhost/none:1",
        "HEKATON_DB_HOST": "127.0.0.1",
        "HEKATON_DB_PORT": "9",
        "HEKATON_TENANT_ROLES": "false",  # there is nobody to make them
        "HEKATON_HEALTH_PORT": str(port),
    }
    with (folder / "operator.log").open("wb") as out:
        words = [sys.executable, "-m", "hekaton_operator"]
        return subprocess.Popen(words, env=environ, stderr=out, cwd=os.sep)


def crew(name: str, *roles: str) -> Object:
    """A team whose changes leave nothing of it behind."""
    return formation(
        name, *roles, update={"strategy": "InPlace"}, revisionHistoryLimit=0, capacity=5
    )


def sharing(name: str, device_class: str) -> Object:
    """A formation whose engines share a claim on a GPU."""
    made = crew(name)
    model = {
        "name": "m",
        "engine": "vllm",
        "model": "Qwen/Qwen2.5-0.5B-Instruct",
        "contextLength": 8192,
    }
    hardware = {"profile": "gh200-96", "deviceClass": device_class}
    made["spec"] |= {"models": [model], "hardware": hardware, "revisionHistoryLimit": 1}
    return made
