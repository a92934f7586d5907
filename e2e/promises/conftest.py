"""Teams on the installed chart."""

from collections.abc import Iterator

import pytest
from cluster.use import Cluster
from promises import installing
from promises.kubectl import Namespace
from promises.missions import slow_models


@pytest.fixture(scope="session")
def team(installed: Cluster) -> Iterator[Namespace]:
    """A namespace with the simulated formation, Ready."""
    with installing.namespace(installed) as made:
        made.apply("manifests/simulated", "manifests/formations/simulated-cluster.yaml")
        made.wait("formation", "simulated", "Ready", 240)
        yield made


@pytest.fixture(scope="session")
def slow_team(installed: Cluster) -> Iterator[Namespace]:
    """The same with models that take their time."""
    with installing.namespace(installed) as made:
        made.apply("manifests/simulated", "manifests/formations/simulated-cluster.yaml")
        slow_models(made)
        made.wait("formation", "simulated", "Ready", 240)
        yield made
