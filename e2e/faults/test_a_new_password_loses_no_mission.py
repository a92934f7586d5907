"""The password of the database is changed under a mission, by the commands of docs/kubernetes.md."""

import json
import secrets

import pytest
from faults.struck import Struck
from promises.installing import SYSTEM
from promises.kubectl import Namespace

pytestmark = pytest.mark.full
SERVER = ("exec", "hekaton-postgres-0", "--", "psql", "-h", "/var/run/postgresql", "-U", "postgres")


def test_the_mission_goes_on_with_the_one_of_its_namespace(busy: Struck) -> None:
    system, new = Namespace(busy.cluster, SYSTEM), secrets.token_hex(24)
    before = held(busy.space)
    system.kubectl(*SERVER, "-c", f"alter role hekaton password '{new}'")
    patch = json.dumps({"stringData": {"password": new}})
    system.kubectl("patch", "secret", "hekaton-postgres", "-p", patch)
    rollout = ("rollout", "restart", "deployment/hekaton-operator")
    system.kubectl(*rollout)
    system.kubectl("rollout", "status", *rollout[2:], "--timeout=180s", patience=200)
    busy.ends_well()
    assert held(busy.space) != before


def held(space: Namespace) -> str:
    """The namespace's own password, as its missions read it."""
    found: str = space.get("secret", "hekaton-database")["data"]["HEKATON_DB_PASSWORD"]
    return found
