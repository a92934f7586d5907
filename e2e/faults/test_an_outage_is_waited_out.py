"""A control plane, a node or a database that is away for a while: missions wait and then end well."""

import pytest
from cluster.native import processes
from cluster.use import Cluster
from cluster.waiting import until
from faults.blows import Container, children, frozen, kill_program, outage, stopped
from faults.struck import Struck
from promises.installing import SYSTEM
from promises.kubectl import Namespace

pytestmark = pytest.mark.full
AWAY = 30.0
"""Seconds."""
POSTGRES = Container("app.kubernetes.io/component=postgres", "postgres")


def answers(cluster: Cluster) -> str:
    said = cluster.run("kubectl", "get", "--raw=/readyz", patience=20)
    return said.error


def test_the_api_server(busy: Struck) -> None:
    outage(busy.cluster.folder, "apiserver", AWAY)
    until(lambda: answers(busy.cluster), 120)
    busy.ends_well()


def test_a_slow_etcd(busy: Struck) -> None:
    pid = processes.living(busy.cluster.folder, "etcd")
    assert pid is not None
    for _ in range(6):
        frozen([pid], 3.0)
        until(lambda: answers(busy.cluster), 60)
    busy.ends_well()


@pytest.mark.parametrize("name", ["kubelet", "containerd"])
def test_a_program_of_the_node(busy: Struck, name: str) -> None:
    kill_program(busy.cluster.folder, name)
    busy.ends_well()


def test_a_node_that_is_not_heard_of_until_it_is_given_up(busy: Struck) -> None:
    with stopped(children(busy.cluster.folder, "kubelet")):
        until(lambda: "" if unheard(busy.cluster) else "the node is still ready", 120)
        until(lambda: waiting(busy.space), 60)
    busy.ends_well()


def test_postgres_unreachable_for_a_minute(busy: Struck) -> None:
    frozen(POSTGRES.all(Namespace(busy.cluster, SYSTEM)), 60.0)
    busy.ends_well()


def test_a_node_that_is_drained_and_comes_back(busy: Struck) -> None:
    drain = ("drain", "node0", "--ignore-daemonsets", "--delete-emptydir-data", "--force")
    try:
        selector = "--pod-selector=app.kubernetes.io/component in (formation,mission)"
        busy.cluster.kubectl(*drain, selector, "--timeout=180s", patience=200)
        until(lambda: waiting(busy.space), 60)
    finally:
        busy.cluster.kubectl("uncordon", "node0")
    busy.ends_well()


def unheard(cluster: Cluster) -> bool:
    """Whether the control plane has given the node up."""
    words = (
        "get",
        "node",
        "node0",
        "-o",
        "jsonpath={.status.conditions[?(@.type=='Ready')].status}",
    )
    return cluster.kubectl(*words) == "Unknown"


def waiting(space: Namespace) -> str:
    """Empty once the formation says truthfully that it is not ready."""
    found = space.condition("formation", "simulated", "Ready")
    return "" if found["status"] == "False" else f"Ready is {found}"
