"""The previous version, a mission that runs, the new version, the previous one again: the mission goes on.

Its conductor's pod stays the same one, since nothing of a mission belongs to the release.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster.use import Cluster
from cluster.waiting import until
from promises import installing
from promises.installing import SYSTEM
from promises.kubectl import Namespace, Object
from promises.missions import slow_mission, slow_models
from upgrade.older import CHART, VERSION

pytestmark = pytest.mark.full


def helm(cluster: Cluster, *words: str) -> None:
    said = cluster.run("helm", *words, "-n", SYSTEM, "--wait", "--timeout=5m", patience=330)
    assert said.code == 0, said.out + said.error + Namespace(cluster, SYSTEM).told("pods", "")


def upgrade(cluster: Cluster, chart: Path) -> None:
    helm(cluster, "upgrade", "hekaton", str(chart), "--reset-then-reuse-values")


@pytest.fixture
def outdated(installed: Cluster, previous: Path) -> Iterator[Cluster]:
    """The release at the version before; as it was found afterwards."""
    upgrade(installed, previous)
    yield installed
    upgrade(installed, CHART)


@pytest.fixture
def slow(outdated: Cluster) -> Iterator[Namespace]:
    """A team whose models take their time."""
    with installing.namespace(outdated) as made:
        made.apply("manifests/simulated", "manifests/formations/simulated-cluster.yaml")
        slow_models(made)
        made.wait("formation", "simulated", "Ready", 240)
        yield made


def running(space: Namespace, mission: str) -> str:
    return "" if space.condition("mission", mission, "Running").get("status") == "True" else "waits"


def pods(space: Namespace) -> dict[str, tuple[str, int]]:
    """Identity and restarts of every pod that is not on its way out."""
    return {
        each["metadata"]["name"]: (each["metadata"]["uid"], restarts(each))
        for each in space.listed("pods")
        if "deletionTimestamp" not in each["metadata"]
    }


def restarts(pod: Object) -> int:
    return sum(each["restartCount"] for each in pod["status"].get("containerStatuses", ()))


def postgres(cluster: Cluster) -> str:
    return str(Namespace(cluster, SYSTEM).get("pod", "hekaton-postgres-0")["metadata"]["uid"])


def test_a_running_mission_sees_nothing_of_an_upgrade_and_a_rollback(
    outdated: Cluster, slow: Namespace
) -> None:
    slow.apply_text(slow_mission("through"))
    until(lambda: running(slow, "through"), 120)
    before, database = pods(slow), postgres(outdated)
    upgrade(outdated, CHART)
    assert pods(slow) == before
    helm(outdated, "rollback", "hekaton")
    labels = Namespace(outdated, SYSTEM).get("deployment", "hekaton-operator")["metadata"]["labels"]
    assert labels["helm.sh/chart"] == f"hekaton-{VERSION}"
    after = pods(slow)
    assert {name: after.get(name, held) for name, held in before.items()} == before
    assert postgres(outdated) == database
    slow.wait("mission", "through", "Succeeded", 300)
    [job] = slow.listed("jobs", "hekaton.dev/mission=through")
    assert job["status"].get("failed", 0) == 0
