"""An API server, and the chart installed on it: no node, so objects and rights but no pods."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cluster.places import ROOT
from cluster.use import Cluster, started

CHART = ROOT / "charts" / "hekaton"
NAMESPACE = "hekaton-system"


@dataclass(frozen=True, slots=True)
class Release:
    """Helm on one release."""

    cluster: Cluster
    namespace: str = NAMESPACE

    def helm(self, verb: str, *words: str, chart: Path | None = CHART) -> str:
        """What Helm said; fails with what it complained of."""
        named = ("hekaton", *([str(chart)] if chart else []), "-n", self.namespace)
        said = self.cluster.run("helm", verb, *named, *words)
        assert said.code == 0, said.error
        return said.out

    def install(self, *words: str, chart: Path = CHART) -> None:
        self.helm("install", "--create-namespace", *words, chart=chart)

    def uninstall(self) -> str:
        return self.helm("uninstall", chart=None)

    def password(self) -> str:
        """As the Secret holds it."""
        words = ("get", "secret", "hekaton-postgres", "-o", "jsonpath={.data.password}")
        return self.cluster.kubectl("-n", self.namespace, *words)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with started(tmp_path_factory.mktemp("install"), "api") as cluster:
        yield cluster


@pytest.fixture
def release(server: Cluster) -> Iterator[Release]:
    """Nothing installed before, and nothing after but what the chart keeps."""
    release = Release(server)
    yield release
    server.run("helm", "uninstall", "hekaton", "-n", NAMESPACE)
    kept = ("-n", NAMESPACE, "delete", "--ignore-not-found", "secret", "hekaton-postgres")
    server.kubectl(*kept)
    server.kubectl("delete", "--ignore-not-found", "crd", "formations.hekaton.dev")
    server.kubectl("delete", "--ignore-not-found", "crd", "missions.hekaton.dev")
