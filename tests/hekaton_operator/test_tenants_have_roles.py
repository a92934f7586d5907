"""Each namespace comes to the database by a role of its own: its Secret, and what is told where none can be made."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from operator_world import SERVER, SPACE, TENANCY, World, mission

from hekaton_operator.enlisting import PAUSE, Enlisting
from hekaton_operator.errors import Away, Refused
from hekaton_operator.objects import Key
from hekaton_operator.settings import Server
from hekaton_operator.tenancy import Tenant, role_name, tenancy

SECRET = Key("Secret", SPACE, "hekaton-database")
ROOM = Key("Space", SPACE, "")
NAMESPACES = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True)
NO_RIGHT = Refused("TenantRoleRefused", "permission denied to create role")


def told(world: World) -> dict[str, str]:
    """What conductors of the namespace get."""
    data = world.objects[SECRET]["data"]
    return {name: base64.b64decode(text).decode() for name, text in data.items()}


def made(world: World) -> set[str]:
    """Kinds of what stands for a mission."""
    return {key.kind for key in world.objects if key.name.startswith("job-")}


async def test_the_secret_has_the_namespaces_role_and_not_the_operators(
    world: World, crew: Key
) -> None:
    world.user(mission())
    await world.settle()
    found, tenant = told(world), TENANCY.tenant(SPACE)
    assert found["HEKATON_DB_USER"] == tenant.role == "hekaton.team"
    assert found["HEKATON_DB_PASSWORD"] == tenant.password != SERVER.password
    assert set(world.enlisted) == {tenant}


async def test_the_role_is_there_before_the_secret_and_the_job(world: World, crew: Key) -> None:
    world.no_roles = Away("PostgreSQL does not answer.")
    key = world.user(mission())
    world.deliver()
    with pytest.raises(Away):
        await world.reconciler.reconcile(ROOM)
    assert SECRET not in world.objects
    await world.reconciler.reconcile(key)  # a pod waits for its Secret by itself
    assert "Job" in made(world)
    world.no_roles = None
    await world.settle()
    assert SECRET in world.objects


async def test_a_mission_says_that_its_namespace_gets_no_role_and_heals(
    world: World, crew: Key
) -> None:
    world.no_roles = NO_RIGHT
    key = world.user(mission())
    await world.settle()
    found = world.condition(key, "Admitted")
    assert (found["status"], found["reason"]) == ("False", "TenantRoleRefused")
    assert "permission denied" in found["message"]
    assert not made(world)
    assert SECRET not in world.objects
    world.no_roles = None
    await world.settle(until=90)
    assert world.condition(key, "Admitted")["status"] == "True"
    assert "Job" in made(world)
    assert SECRET in world.objects


async def test_a_refusal_that_stays_is_written_once(world: World, crew: Key) -> None:
    world.no_roles = NO_RIGHT
    key = world.user(mission())
    await world.settle()
    world.writes.clear()
    for _ in range(5):
        await world.reconciler.reconcile(key)
    assert world.writes == []


async def test_without_roles_of_their_own_namespaces_share_the_operators(world: World) -> None:
    world.tenancy = None
    world.restart()
    world.user(mission())
    await world.settle()
    found = told(world)
    assert (found["HEKATON_DB_USER"], found["HEKATON_DB_PASSWORD"]) == (SERVER.user, "p")
    assert world.enlisted == []


@given(NAMESPACES, NAMESPACES, st.sampled_from(["hekaton", "h", "d" * 63, "ü" * 30]))
def test_namespaces_have_roles_of_their_own_that_fit(one: str, two: str, database: str) -> None:
    first, second = role_name(database, one), role_name(database, two)
    assert (first == second) == (one == two)
    assert len(first.encode()) <= 63
    assert first != role_name(f"{database[:20]}x", one)


def test_a_password_follows_the_operators_and_shows_in_no_text() -> None:
    first, second = (tenancy(Server("h", password=each)) for each in ("one", "two"))
    assert first.tenant("a") == tenancy(Server("h", password="one")).tenant("a")
    made = {each.tenant(name).password for each in (first, second) for name in ("a", "b")}
    assert len(made) == 4
    assert min(map(len, made)) == 43
    assert first.tenant("a").password not in repr(first.tenant("a")) + repr(first)


async def test_a_role_is_asked_for_once_and_a_refusal_stands_for_a_while() -> None:
    asked: list[Tenant] = []
    now = [100.0]

    async def ask(tenant: Tenant) -> None:
        asked.append(tenant)
        if len(asked) == 1:
            raise NO_RIGHT

    enlisting = Enlisting(ask, lambda: now[0])
    a, b = TENANCY.tenant("a"), TENANCY.tenant("b")
    for _ in range(3):
        with pytest.raises(Refused):
            await enlisting.enlist(a)
    await enlisting.enlist(b)
    now[0] += PAUSE
    for _ in range(3):
        await enlisting.enlist(a)
    assert asked == [a, b, a]


async def test_a_database_that_is_away_is_not_asked_for_every_namespace() -> None:
    asked: list[Tenant] = []
    now = [100.0]

    async def ask(tenant: Tenant) -> None:
        asked.append(tenant)
        raise Away("PostgreSQL does not answer.")

    enlisting = Enlisting(ask, lambda: now[0])
    for name in ("a", "b", "c"):
        with pytest.raises(Away):
            await enlisting.enlist(TENANCY.tenant(name))
    assert len(asked) == 1
    now[0] += PAUSE
    with pytest.raises(Away):
        await enlisting.enlist(TENANCY.tenant("b"))
    assert len(asked) == 2
