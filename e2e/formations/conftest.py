"""A namespace for a whole module, and one GPU to claim."""

from collections.abc import Iterator

import pytest
from cluster.use import Cluster
from formations.devices import Devices, devices
from promises import installing
from promises.kubectl import Namespace


@pytest.fixture(scope="module")
def shared_space(installed: Cluster) -> Iterator[Namespace]:
    """A namespace of the module's own."""
    with installing.namespace(installed) as made:
        yield made


@pytest.fixture
def engine_space(installed: Cluster) -> Iterator[Namespace]:
    """A namespace of the test's own for engines that are installed on the node."""
    with installing.namespace(installed, installing.PRIVILEGED) as made:
        yield made


@pytest.fixture
def gpu(installed: Cluster) -> Iterator[Devices]:
    """One that nobody drives."""
    with devices(installed) as made:
        yield made
