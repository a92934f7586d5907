"""What the missions of a namespace share: ServiceAccount, NetworkPolicy, and the way to the database. Pure."""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hekaton_operator import names
from hekaton_operator.actions import Action, Apply, Delete, Enlist, Outcome
from hekaton_operator.manifest import Manifest, manifest, met
from hekaton_operator.network import DNS, ports, selected
from hekaton_operator.objects import Body, Key, Kind
from hekaton_operator.settings import Server, reachable
from hekaton_operator.tenancy import Tenant

GIT_PORTS = (443, 22, 9418, 80)
KINDS: tuple[tuple[Kind, str], ...] = (
    ("ServiceAccount", names.MISSION_SHARED),
    ("NetworkPolicy", names.MISSION_SHARED),
    ("Secret", names.DATABASE_SECRET),
)


@dataclass(frozen=True, slots=True)
class Space:
    """A namespace as its missions use it."""

    namespace: str
    missions: int
    git: bool
    """Whether one of them comes from a repository elsewhere."""
    children: Mapping[Key, Body]


def networked(mission: Body) -> bool:
    """Whether it comes from a repository elsewhere; of a spec that may not even be valid."""
    workspace = (mission.get("spec") or {}).get("workspace") or {}
    url = (workspace.get("git") or {}).get("url", "/")
    return not url.startswith("/")


def decide(space: Space, server: Server, home: str, tenant: Tenant | None) -> Outcome:
    """Make all three where there is a mission, and leave no credentials where there is none.

    `home` is the operator's own namespace: a bare name of the database server is meant there. The
    Secret has the namespace's own role, which is there first; without one the operator's.
    """
    if not space.missions:
        return Outcome(tuple(_gone(space)))
    given = tenant.at(server) if tenant else server
    actions: tuple[Action, ...] = (
        *_apply(space, _account(space), _network_policy(space, server)),
        *((Enlist(tenant, waits=True),) if tenant else ()),
        *_apply(space, _database(space, given, home)),
    )
    return Outcome(actions)


def _apply(space: Space, *wanted: Manifest) -> Iterator[Action]:
    """What is not as it shall be."""
    for each in wanted:
        if not met(space.children.get(each.key), each):
            yield Apply(each)


def _gone(space: Space) -> Iterator[Action]:
    for kind, name in KINDS:
        key = Key(kind, space.namespace, name)
        body = space.children.get(key)
        if body is not None and "deletionTimestamp" not in body["metadata"]:
            yield Delete(key, body["metadata"].get("uid", ""))


def _account(space: Space) -> Manifest:
    key = Key("ServiceAccount", space.namespace, names.MISSION_SHARED)
    return manifest(key, names.shared_labels(), None, automountServiceAccountToken=False)


def _database(space: Space, server: Server, home: str) -> Manifest:
    values = {
        "HEKATON_DB_HOST": reachable(server.host, home),
        "HEKATON_DB_PORT": str(server.port),
        "HEKATON_DB_NAME": server.name,
        "HEKATON_DB_USER": server.user,
        "HEKATON_DB_PASSWORD": server.password,
    }
    data = {name: base64.b64encode(value.encode()).decode() for name, value in values.items()}
    key = Key("Secret", space.namespace, names.DATABASE_SECRET)
    return manifest(key, names.shared_labels(), None, type="Opaque", data=data)


def _network_policy(space: Space, server: Server) -> Manifest:
    """Out: names, the database, the bus of formations, and git where a mission needs it. In: nothing."""
    pods = {names.MANAGED_BY: names.MANAGER, names.COMPONENT: "mission"}
    bus = {names.MANAGED_BY: names.MANAGER, names.COMPONENT: "formation"}
    egress = [
        DNS,
        {"ports": ports(server.port)},
        {"to": [selected(bus)], "ports": ports(names.BUS_PORT, names.CONTROL_PORT)},
        *([{"ports": ports(*GIT_PORTS)}] if space.git else []),
    ]
    spec = {
        "podSelector": {"matchLabels": pods},
        "policyTypes": ["Ingress", "Egress"],
        "egress": egress,
    }
    key = Key("NetworkPolicy", space.namespace, names.MISSION_SHARED)
    return manifest(key, names.shared_labels(), None, spec=spec)
