"""The previous chart, and an API server that it is installed on."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster.use import Cluster, started
from install.conftest import NAMESPACE, Release
from upgrade import older


@pytest.fixture(scope="session")
def previous(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The chart of the version before."""
    return older.made(tmp_path_factory.mktemp("previous"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with started(tmp_path_factory.mktemp("upgrade"), "api") as cluster:
        cluster.kubectl("create", "namespace", NAMESPACE)
        yield cluster


@pytest.fixture
def release(server: Cluster) -> Iterator[Release]:
    """Nothing installed before, and nothing after."""
    yield Release(server)
    server.run("helm", "uninstall", "hekaton", "-n", NAMESPACE)
    server.kubectl("-n", NAMESPACE, "delete", "--ignore-not-found", "secret", "hekaton-postgres")
    names = ("formations.hekaton.dev", "missions.hekaton.dev")
    server.kubectl("delete", "--ignore-not-found", "crd", *names)
