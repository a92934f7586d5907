"""`kill -9` of any process of ours in the middle of a mission: it ends well and its account is exact."""

import pytest
from cluster.waiting import until
from faults.blows import Container
from faults.struck import Struck
from promises.installing import SYSTEM
from promises.kubectl import Namespace

TEAM = "hekaton.dev/formation=simulated,app.kubernetes.io/component=formation"
MISSION = "app.kubernetes.io/component=mission"
POSTGRES = Container("app.kubernetes.io/component=postgres", "postgres")
OPERATOR = Container("app.kubernetes.io/component=operator", "operator")
BROKER, ROUTER = Container(TEAM, "broker"), Container(TEAM, "router")
CONDUCTOR, WORKSPACE = Container(MISSION, "conductor"), Container(MISSION, "workspace")
AGENTS = ("researcher-1", "reasoner", "architect", "sapper-1", "sapper-2", "auditor", "analyst")


@pytest.mark.parametrize("part", [CONDUCTOR, BROKER], ids=lambda part: part.name)
def test_a_part_of_the_mission(busy: Struck, part: Container) -> None:
    part.kill(busy.space)
    busy.ends_well()


@pytest.mark.full
@pytest.mark.parametrize("part", [WORKSPACE, ROUTER], ids=lambda part: part.name)
def test_another_part_of_the_mission(busy: Struck, part: Container) -> None:
    part.kill(busy.space)
    busy.ends_well()


@pytest.mark.full
def test_all_agents_one_after_the_other(busy: Struck) -> None:
    for name in AGENTS:
        Container(TEAM, f"agent-{name}").kill(busy.space)
    busy.ends_well()


def test_postgres(busy: Struck) -> None:
    POSTGRES.kill(Namespace(busy.cluster, SYSTEM))
    busy.ends_well()


@pytest.mark.full
def test_the_postgres_pod(busy: Struck) -> None:
    words = ("delete", "pod", "hekaton-postgres-0", "--grace-period=1")
    Namespace(busy.cluster, SYSTEM).kubectl(*words)
    busy.ends_well()


def test_the_operator_that_leads_and_the_other(busy: Struck) -> None:
    system = Namespace(busy.cluster, SYSTEM)
    before = leader(system)
    OPERATOR.kill(system)
    busy.ends_well()
    until(lambda: "" if leader(system) else "nobody leads", 60)
    assert before


@pytest.mark.full
def test_the_operator_that_leads_alone(busy: Struck) -> None:
    """Whoever is there first: the other replica, or its own next container, which has its name."""
    system = Namespace(busy.cluster, SYSTEM)
    OPERATOR.kill(system, leader(system))
    before = lease(system, "renewTime")
    until(lambda: "" if lease(system, "renewTime") != before else "nobody leads", 60)
    busy.ends_well()


def leader(system: Namespace) -> str:
    return lease(system, "holderIdentity")


def lease(system: Namespace, field: str) -> str:
    return system.kubectl("get", "lease", "hekaton-operator", "-o", f"jsonpath={{.spec.{field}}}")
