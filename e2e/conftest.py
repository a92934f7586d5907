"""The clusters of the promises: an API server alone, and a whole one with a node.

`make e2e` brings up the whole one and names its folder in HEKATON_E2E_CLUSTER. Whoever keeps a
cluster (`e2e/cluster/up DIR`) names it there by hand, or an API server for the CRDs' own tests
(`e2e/cluster/up --level api DIR`) in HEKATON_E2E_API: they are used as they are and left running.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster.use import Cluster, started
from promises import engines, installing
from promises.kubectl import Namespace


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """An API server on which nothing is installed, so that a test may add definitions."""
    given = os.environ.get("HEKATON_E2E_API")
    if given:
        yield Cluster(Path(given).resolve())
        return
    with started(tmp_path_factory.mktemp("api"), "api") as cluster:
        yield cluster


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster with a node that runs pods."""
    given = os.environ.get("HEKATON_E2E_CLUSTER")
    if given:
        yield Cluster(Path(given).resolve())
        return
    with started(tmp_path_factory.mktemp("cluster"), "node") as made:
        yield made


@pytest.fixture(scope="session")
def installed(cluster: Cluster) -> Cluster:
    """The chart on it, and everything in it ready."""
    installing.install(cluster, *engines.values())
    return cluster


@pytest.fixture
def space(installed: Cluster) -> Iterator[Namespace]:
    """A namespace of the test's own, restricted."""
    with installing.namespace(installed) as made:
        yield made
