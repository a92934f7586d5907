"""The operator makes roles on a real PostgreSQL: they come in by their password, and only by theirs."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from hekaton_operator.errors import Refused
from hekaton_operator.mirror import Mirror
from hekaton_operator.settings import Server
from hekaton_operator.tenancy import Tenant, tenancy
from hekaton_runtime.store.embedded import embedded
from hekaton_runtime.store.postgres import connect

TEAM = "team"


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A server that asks tenants for their password; the superuser comes in without one."""
    folder = Path(tempfile.mkdtemp(prefix="hk-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        with embedded(folder):
            access = folder / "postgres" / "pg_hba.conf"
            access.write_text(f'local all "/[.]{TEAM}$" scram-sha-256\n{access.read_text()}')
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def server(home: Path) -> AsyncIterator[Server]:
    """With our schema, owned by a role like the chart's."""
    host = str(home / "postgres")
    admin = await asyncpg.connect(host=host, user="postgres", database="postgres")
    await admin.execute("select pg_reload_conf()")
    await admin.execute("create role hekaton login createrole")
    await admin.execute("create database hekaton owner hekaton")
    async with connect(f"postgresql://hekaton@/hekaton?host={host}"):
        pass
    yield Server(host, password="operators")
    await admin.execute("drop database hekaton with (force)")
    await admin.execute(f'drop role if exists "hekaton.{TEAM}"')
    await admin.execute('drop role if exists "hekaton.*"')
    await admin.execute("drop role hekaton")
    await admin.close()


@pytest.fixture
async def mirror(server: Server) -> AsyncIterator[Mirror]:
    made = Mirror(server)
    yield made
    await made.close()


async def who(server: Server, tenant: Tenant) -> str:
    """Whom the server takes a tenant for."""
    there = tenant.at(server)
    link = await asyncpg.connect(
        host=there.host, user=there.user, password=there.password, database=there.name
    )
    try:
        await link.fetch("select * from hekaton.mission")
        return str(await link.fetchval("select current_user"))
    finally:
        await link.close()


async def test_a_tenant_comes_in_by_its_password_alone(server: Server, mirror: Mirror) -> None:
    tenant = tenancy(server).tenant(TEAM)
    await mirror.enlist(tenant)
    assert await who(server, tenant) == f"hekaton.{TEAM}"
    with pytest.raises(asyncpg.InvalidPasswordError):
        await who(server, Tenant(TEAM, tenant.role, server.password))


async def test_a_new_password_of_the_operators_makes_new_ones_of_tenants(
    server: Server, mirror: Mirror
) -> None:
    old = tenancy(server).tenant(TEAM)
    new = tenancy(Server(server.host, password="rotated")).tenant(TEAM)
    await mirror.enlist(old)
    await mirror.enlist(new)
    assert await who(server, new) == new.role
    with pytest.raises(asyncpg.InvalidPasswordError):
        await who(server, old)


async def test_an_operator_that_may_make_no_roles_says_who_can_help(
    server: Server, mirror: Mirror
) -> None:
    admin = await asyncpg.connect(host=server.host, user="postgres", database="postgres")
    await admin.execute("alter role hekaton nocreaterole")
    await admin.close()
    tenant = tenancy(server).tenant(TEAM)
    with pytest.raises(Refused) as fault:
        await mirror.enlist(tenant)
    assert fault.value.reason == "TenantRoleRefused"
    assert 'alter role "hekaton" createrole' in fault.value.message
    assert "permission denied to create role" in fault.value.message
    assert tenant.password not in fault.value.message
