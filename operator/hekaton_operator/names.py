"""Names, labels and ports that the children of formations and missions carry. Pure."""

import hashlib
from collections.abc import Mapping

LONGEST = 63
"""Characters of a DNS label."""
LONGEST_PARENT = 52
"""Characters of a StatefulSet's or Job's name: its pods add up to eleven."""
MANAGER = "hekaton-operator"
FIELD_MANAGER = "hekaton"
FORMATION = "hekaton.dev/formation"
MISSION = "hekaton.dev/mission"
REVISION = "hekaton.dev/revision"
ATTEMPT = "hekaton.dev/attempt"
REPLICA = "hekaton.dev/replica"
KEYS = "hekaton.dev/keys"
ROTATED = "hekaton.dev/rotated"
COMPONENT = "app.kubernetes.io/component"
MANAGED_BY = "app.kubernetes.io/managed-by"
SELECTOR = f"{MANAGED_BY}={MANAGER}"
"""Label selector of everything the operator makes."""
USER = 65532
"""Group of every container, and user of a formation's."""
FIRST_USER, USERS = 20_000, 40_000
"""Users of missions, below what a pod with a user namespace of its own may have."""
BUS_PORT, CONTROL_PORT = 5590, 5591
ROUTER_PORT = 8080
"""Inside the pod only."""
ENGINE_PORT = 8100
"""Of the first engine; inside the pod only."""
ENGINES_HEALTH, ROUTER_HEALTH, BROKER_HEALTH, AGENT_HEALTH = 9100, 9101, 9102, 9110
ENGINE_HEALTH = 9200
"""Of the first engine with a container of its own."""
LAST_HEALTH = 9299
DATABASE_SECRET = "hekaton-database"
MISSION_SHARED = "hekaton-mission"
"""ServiceAccount and NetworkPolicy that the missions of a namespace share."""


def mission_user(uid: str) -> int:
    """The user that a mission's pods run as: one of its own, since the kernel counts processes by
    user over the whole node, and a formation's engines there have hundreds of threads."""
    return FIRST_USER + int(hashlib.sha256(uid.encode()).hexdigest()[:8], 16) % USERS


def child_name(base: str, suffix: str, longest: int = LONGEST) -> str:
    """`base` and `suffix`, never longer than allowed; what is cut off lives on in a hash."""
    whole = f"{base}{suffix}"
    if len(whole) <= longest:
        return whole
    digest = hashlib.sha256(whole.encode()).hexdigest()[:8]
    room = longest - len(suffix) - len(digest) - 1
    return f"{base[:room].rstrip('-')}-{digest}{suffix}"


def service_name(formation: str) -> str:
    """A Service must begin with a letter; a formation need not."""
    return formation if formation[0].isalpha() else child_name(f"fm-{formation}", "")


def formation_labels(formation: str) -> Mapping[str, str]:
    return {**_common("formation"), FORMATION: formation}


def mission_labels(mission: str, formation: str) -> Mapping[str, str]:
    return {**_common("mission"), MISSION: mission, FORMATION: formation}


def shared_labels() -> Mapping[str, str]:
    return _common("mission")


def _common(component: str) -> Mapping[str, str]:
    return {"app.kubernetes.io/name": "hekaton", MANAGED_BY: MANAGER, COMPONENT: component}


def bus_secret(formation: str) -> str:
    return child_name(formation, "-bus")


def permits_secret(formation: str) -> str:
    return child_name(formation, "-permits")


def report_name(mission: str) -> str:
    return child_name(mission, "-report")


def attempt_name(mission: str, uid: str, attempt: int) -> str:
    """Name of a mission's Job and ConfigMap."""
    again = f"-r{attempt}" if attempt else ""
    return child_name(mission, f"-{uid[:8]}{again}", LONGEST_PARENT)


def attempt_id(uid: str, attempt: int) -> str:
    """Id of a mission's row in the database."""
    return f"{uid}-r{attempt}" if attempt else uid
