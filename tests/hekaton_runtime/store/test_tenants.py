"""One role for each namespace, on a real PostgreSQL: what a tenant tries with another's mission comes to nothing."""

import asyncio
import hashlib
import os
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from hekaton_runtime.errors import NotLetIn
from hekaton_runtime.store.migrating import migrate, migrations
from hekaton_runtime.store.postgres import connect

Link: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
MISSIONS = Path(__file__).resolve().parents[3] / "manifests" / "missions"
DENIED = asyncpg.InsufficientPrivilegeError  # no right, or a row that the policy refuses
ADD = (
    "insert into hekaton.mission (id, name, mode, document, formation) values ($1, 'n', 'single',"
    " jsonb_build_object('metadata', jsonb_build_object('namespace', $2::text)), '{}')"
)
PARTS = ("lease", "journal", "account", "call", "paper", "saved")
TABLES = ("mission", *PARTS, "submission")
STEPS = (
    "select hekaton.take('ours', 'me', 600, null)",
    "insert into hekaton.account (mission_id, path, cap_tokens, cap_micros) values ('ours', '', 900, 900)",
    "select hekaton.append('ours', 1, '/0', 'f', 'b')",
    "select hekaton.open_call('ours', 1, 'c', '/1', array['', 'w'], 'a', 'sapper', 'm', 100, 5)",
    "select hekaton.put_paper('ours', 1, 'SITREP.md', 'done')",
    "select hekaton.save('ours', 1, 'result', 'abc', 'bundle')",
)
CALLS: dict[str, tuple[str, object]] = {
    "append": ("select hekaton.append('ours', 1, '/2', 'f', 'b')", "fenced"),
    "ask_halt": ("select hekaton.ask_halt('ours', 'because')", False),
    "begin": ("select hekaton.begin('ours', 1)", False),
    "charge": ("select hekaton.charge(row('ours', 'c', '/1', array[''], 'a', 'r', 'm', 100, 5,"
               " 'open', 0, 0, 5, false, 1, now(), null)::hekaton.call, 500)", None),
    "claim": ("select hekaton.claim('ours', 'me', '', 60)", DENIED),
    "close_call": ("select hekaton.close_call('ours', 'c', 'settled', 500, 0, 0, false)", 0),
    "conclude": ("select hekaton.conclude('ours', 1, 'failed', '', 'r', null, false, null)", False),
    "finish_call": ("select hekaton.finish_call('ours', 1, 'c', 'settled', 1, 1, 0, false, '/1', 'f', 'b')", "fenced"),
    "forfeit": ("select hekaton.forfeit('ours', 1)", -1),
    "give_up": ("select hekaton.give_up('ours', 1)", None),
    "halt": ("select hekaton.halt('ours', 1, array['/h'], array['f'::bytea], array['b'::bytea])", "fenced"),
    "journal_after": ("select count(*) from hekaton.journal_after('ours', 0, 10)", 0),
    "let_in": ("select hekaton.let_in(current_user)", DENIED),
    "note": ("select hekaton.note('ours', 1, '/3', 'f', 'b', 'p', 'd', 1, 1, 1, 1)", "fenced"),
    "open_call": ("select (hekaton.open_call('ours', 1, 'd', '/4', array[''], 'a', 'r', 'm', 9, 9)).verdict", "fenced"),
    "owns": ("select hekaton.owns('ours', 1)", False),
    "owns_alone": ("select hekaton.owns_alone('ours', 1)", False),
    "prune": ("select hekaton.prune('ours')", DENIED),
    "put_paper": ("select hekaton.put_paper('ours', 1, 'SITREP.md', 'forged')", False),
    "renew": ("select hekaton.renew('ours', 1, 600)", False),
    "save": ("select hekaton.save('ours', 1, 'result', 'def', 'forged')", False),
    "submit": ("select hekaton.submit('new', 'single', '{}', '{}', '{}', 0, 'me', 'w', 9)", DENIED),
    "take": ("select hekaton.take('ours', 'me', 600, 'me')", DENIED),
    "tenant": ("select hekaton.tenant(current_user, 'p', 'a')", DENIED),
}  # fmt: skip
"""Every function of the schema, with the true token, and what a stranger hears of it."""
HARMLESS = {"turn", "has_room", "is_free", "refuse_change", "tell", "delete_parts"}
"""They read and write nothing of a mission's, or are called by triggers alone."""
THEIRS_FAILS = {"claim", "let_in", "prune", "submit", "tenant"}
"""What is the service's and the operator's, a tenant may not do with its own mission either."""
TWISTED = {
    "lease": "update hekaton.lease set owner = 'spy', token = 9",
    "journal": "delete from hekaton.journal",
    "account": "update hekaton.account set cap_tokens = 1",
    "call": "delete from hekaton.call",
    "paper": "update hekaton.paper set content = 'forged'",
    "saved": "delete from hekaton.saved",
    "mission": "update hekaton.mission set tenant = current_user",
    "submission": "delete from hekaton.submission",
}
PLANTED = {
    "lease": "insert into hekaton.lease values ('bare', 'spy', 9, 'infinity')",
    "journal": "insert into hekaton.journal (mission_id, path, fingerprint, body, token)"
    " values ('ours', '/9', 'f', 'b', 1)",
    "account": "insert into hekaton.account (mission_id, path, cap_tokens) values ('ours', 'x', 0)",
    "call": "insert into hekaton.call (mission_id, id, path, accounts, agent, role, model,"
    " reserved_tokens, reserved_micros, token) values ('ours', 'z', '/', '{}', 'a', 'r', 'm', 1, 0, 1)",
    "paper": "insert into hekaton.paper values ('ours', 'forged.md', 'x')",
    "saved": "insert into hekaton.saved (mission_id, branch, commit, content) values ('ours', 'b', 'c', 'x')",
    "mission": "insert into hekaton.mission (id, name, mode, document, formation, tenant)"
    " select 'planted', 'n', 'single', '{}', '{}', rolname from pg_roles where rolname like '%.a'",
    "submission": "insert into hekaton.submission (mission_id, client) values ('ours', 'me')",
}


@dataclass(frozen=True, slots=True)
class Apart:
    """Two tenants of one database, and its owner, who is no superuser."""

    dsn: str
    owner: Link
    a: Link
    b: Link

    async def all(self) -> list[str]:
        """Everything that the tables hold."""
        found: list[str] = []
        for table in TABLES:
            rows = await self.owner.fetch(f"select t::text from hekaton.{table} t order by 1")
            found += [f"{table} {row[0]}" for row in rows]
        return found

    def role(self, namespace: str) -> str:
        return f"{self.database}.{namespace}"

    @property
    def database(self) -> str:
        return urlsplit(self.dsn).path.strip("/")

    async def enlist(self, namespace: str, password: str = "pw") -> int:
        given = "select hekaton.tenant($1, $2, $3)"
        return int(await self.owner.fetchval(given, self.role(namespace), password, namespace))


async def owned(server_dsn: str) -> str:
    """A new database as the chart makes it: of a role that may make roles and is no superuser."""
    name = f"t{uuid.uuid4().hex[:12]}"
    admin = await asyncpg.connect(server_dsn)
    try:
        await admin.execute(f"create role {name} login createrole")
        await admin.execute(f"create database {name} owner {name}")
    finally:
        await admin.close()
    return server_dsn.replace("//postgres:@/postgres?", f"//{name}:@/{name}?")


@asynccontextmanager
async def parties(dsn: str) -> AsyncIterator[Apart]:
    """The owner and both tenants, connected."""
    async with AsyncExitStack() as stack:
        owner = await asyncpg.connect(dsn)
        stack.push_async_callback(owner.close)
        await migrate(owner)
        made = Apart(dsn, owner, owner, owner)
        links = []
        for each in ("a", "b"):
            await made.enlist(each)
            links.append(await asyncpg.connect(dsn, user=made.role(each)))
            stack.push_async_callback(links[-1].close)
        yield Apart(dsn, owner, *links)


async def older(owner: Link) -> None:
    """The schema as it was before there were tenants."""
    await owner.execute(
        "create schema hekaton; create table hekaton.migration"
        " (number integer primary key, name text, digest text, at timestamptz default now())"
    )
    for number, name, text in migrations()[:9]:
        digest = hashlib.sha256(text.encode()).hexdigest()
        await owner.execute(text)
        await owner.execute(
            "insert into hekaton.migration values ($1, $2, $3)", number, name, digest
        )


async def prepared(server_dsn: str) -> str:
    """A database where `a` has a mission in the midst of its work, and one that has just begun."""
    dsn = await owned(server_dsn)
    async with parties(dsn) as made:
        for mission in ("ours", "bare"):
            await made.a.execute(ADD, mission, "a")
        for step in STEPS:
            await made.a.execute(step)
    return dsn


@asynccontextmanager
async def undone(link: Link) -> AsyncIterator[None]:
    turn = link.transaction()
    await turn.start()
    try:
        yield
    finally:
        await turn.rollback()


@pytest.fixture(scope="module")
def shared(server_dsn: str) -> str:
    """For attempts, which change nothing."""
    return asyncio.run(prepared(server_dsn))


@pytest.fixture
async def apart(shared: str) -> AsyncIterator[Apart]:
    async with parties(shared) as made:
        yield made


@pytest.fixture
async def changed(server_dsn: str) -> AsyncIterator[Apart]:
    """For tests that leave traces."""
    async with parties(await prepared(server_dsn)) as made:
        yield made


def test_nothing_is_forgotten_in_these_lists() -> None:
    text = "\n".join(text for _, _, text in migrations())
    made = {
        line.split("hekaton.")[1].split("(")[0]
        for line in text.splitlines()
        if line.startswith("create") and " function " in line
    }
    tables = {
        line.split("hekaton.")[1].split()[0]
        for line in text.splitlines()
        if line.startswith("create table")
    }
    assert made == set(CALLS) | HARMLESS
    assert tables == set(TABLES) == set(TWISTED) == set(PLANTED)


@pytest.mark.parametrize("name", CALLS)
async def test_a_function_gives_a_stranger_nothing_and_changes_nothing(
    apart: Apart, name: str
) -> None:
    statement, said = CALLS[name]
    before = await apart.all()
    if said is DENIED:
        with pytest.raises(DENIED):
            await apart.b.fetchval(statement)
    else:
        assert await apart.b.fetchval(statement) == said
    assert await apart.all() == before


@pytest.mark.parametrize("name", sorted(set(CALLS) - THEIRS_FAILS))
async def test_the_same_function_serves_whose_mission_it_is(apart: Apart, name: str) -> None:
    statement, said = CALLS[name]
    async with undone(apart.a):
        answer = await apart.a.fetchval(statement)
    assert said in (None, DENIED) or answer != said


@pytest.mark.parametrize("table", TABLES)
async def test_a_table_shows_a_stranger_nothing(apart: Apart, table: str) -> None:
    if table == "submission":
        with pytest.raises(DENIED):
            await apart.b.fetch("select * from hekaton.submission")
        return
    assert await apart.b.fetch(f"select * from hekaton.{table}") == []
    assert await apart.a.fetch(f"select * from hekaton.{table}") != []


@pytest.mark.parametrize("view", ["mission_status", "prunable"])
async def test_a_view_shows_no_more_than_its_tables(apart: Apart, view: str) -> None:
    if view == "prunable":
        with pytest.raises(DENIED):
            await apart.b.fetch("select * from hekaton.prunable")
        return
    assert await apart.b.fetch("select * from hekaton.mission_status") == []
    assert len(await apart.a.fetch("select * from hekaton.mission_status")) == 2


@pytest.mark.parametrize("table", TABLES)
async def test_a_stranger_changes_no_row(apart: Apart, table: str) -> None:
    before = await apart.all()
    with suppress(DENIED):
        assert await apart.b.execute(TWISTED[table]) in ("UPDATE 0", "DELETE 0")
    assert await apart.all() == before


@pytest.mark.parametrize("table", TABLES)
async def test_a_stranger_adds_no_row(apart: Apart, table: str) -> None:
    before = await apart.all()
    with pytest.raises(DENIED):
        await apart.b.execute(PLANTED[table])
    assert await apart.all() == before


@pytest.mark.parametrize("sql", ["delete from hekaton.mission", "truncate hekaton.mission cascade"])
async def test_a_tenant_deletes_nothing_whole(apart: Apart, sql: str) -> None:
    for link in (apart.a, apart.b):
        with pytest.raises(DENIED):
            await link.execute(sql)


async def test_a_mission_cannot_be_given_to_another(apart: Apart) -> None:
    with pytest.raises(DENIED):
        await apart.a.execute(
            "update hekaton.mission set tenant = $1 where id = 'ours'", apart.role("b")
        )


@pytest.mark.parametrize("name", ["ours", "ours-r1", "ours-r12"])
async def test_nobody_sits_down_on_anothers_mission_or_its_later_attempts(
    apart: Apart, name: str
) -> None:
    with pytest.raises(DENIED):
        await apart.b.execute(ADD, name, "b")
    async with undone(apart.a):
        await apart.a.execute(ADD + " on conflict do nothing", name, "a")


async def test_the_owner_sees_and_halts_every_mission(changed: Apart) -> None:
    assert await changed.owner.fetchval("select hekaton.ask_halt('ours', 'spec.cancel')")
    assert await changed.a.fetchval("select halt from hekaton.mission where id = 'ours'")


async def test_a_tenant_may_be_made_sure_of_again_and_again(changed: Apart) -> None:
    for _ in range(3):
        assert await changed.enlist("a") == 0
    assert await changed.a.fetchval("select count(*) from hekaton.mission") == 2


async def test_rights_that_a_restore_took_come_back(changed: Apart) -> None:
    everybody = f'"{changed.database}.*"'
    await changed.owner.execute(f"revoke all on all tables in schema hekaton from {everybody}")
    with pytest.raises(DENIED):
        await changed.a.fetch("select * from hekaton.mission")
    await changed.enlist("b")
    assert await changed.a.fetchval("select count(*) from hekaton.mission") == 2


async def test_a_conductor_waits_for_rights_that_come_back(changed: Apart) -> None:
    there = changed.dsn.replace(f"//{changed.database}:@", f"//{changed.role('a')}@")
    everybody = f'"{changed.database}.*"'
    async with connect(there, patience=30.0) as opened:
        await changed.owner.execute(f"revoke all on all tables in schema hekaton from {everybody}")
        step = asyncio.create_task(opened.value("select hekaton.renew('ours', 1, 60)"))
        await asyncio.sleep(0.2)
        assert not step.done()
        await changed.enlist("a")
        assert await step


async def test_a_new_password_replaces_the_old(changed: Apart, server_dsn: str) -> None:
    admin = await asyncpg.connect(server_dsn)
    held = "select rolpassword from pg_authid where rolname = $1"
    try:
        role = changed.role("a")
        first = await admin.fetchval(held, role)
        await changed.enlist("a", "another")
        second = await admin.fetchval(held, role)
    finally:
        await admin.close()
    assert first.startswith("SCRAM-SHA-256$")
    assert first != second


async def test_a_role_has_no_right_beyond_this_database(apart: Apart) -> None:
    row = await apart.owner.fetchrow(
        "select rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls, rolconnlimit,"
        " array(select roleid::regrole::text from pg_auth_members where member = r.oid)"
        " from pg_roles r where rolname = $1",
        apart.role("a"),
    )
    limit = int(await apart.owner.fetchval("select current_setting('max_connections')")) // 2
    assert row is not None
    assert tuple(row) == (False, limit, [f'"{apart.database}.*"'])


async def test_a_role_that_is_somebody_elses_is_left_alone(changed: Apart, server_dsn: str) -> None:
    admin = await asyncpg.connect(server_dsn)
    try:
        await admin.execute(f'create role "{changed.role("c")}" login')
        with pytest.raises(asyncpg.DuplicateObjectError, match="is no member of"):
            await changed.enlist("c")
    finally:
        await admin.execute(f'drop role "{changed.role("c")}"')
        await admin.close()


async def test_an_owner_who_may_make_no_roles_is_told_so(changed: Apart, server_dsn: str) -> None:
    admin = await asyncpg.connect(server_dsn)
    await admin.execute(f"alter role {changed.database} nocreaterole")
    await admin.close()
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
        await changed.enlist("c")


async def test_missions_from_before_come_to_the_tenant_of_their_namespace(
    server_dsn: str,
) -> None:
    dsn = await owned(server_dsn)
    owner = await asyncpg.connect(dsn)
    try:
        await older(owner)
        for mission, namespace in (("one", "a"), ("two", "b"), ("three", "a")):
            await owner.execute(ADD, mission, namespace)
        await owner.execute("select hekaton.take('one', 'me', 600, null)")
        async with parties(dsn) as made:
            for link, ids in ((made.a, ["one", "three"]), (made.b, ["two"])):
                rows = await link.fetch("select id from hekaton.mission order by 1")
                assert [row["id"] for row in rows] == ids
            assert await made.a.fetchval("select hekaton.renew('one', 1, 60)")
    finally:
        await owner.close()


async def test_a_tenant_that_finds_an_older_schema_is_not_let_in(changed: Apart) -> None:
    await changed.owner.execute("delete from hekaton.migration where number = 10")
    there = changed.dsn.replace(f"//{changed.database}:@", f"//{changed.role('a')}@")
    with pytest.raises(NotLetIn, match="permission denied"):
        async with connect(there):
            pass


async def test_a_whole_mission_is_conducted_as_a_tenant(changed: Apart, tmp_path: Path) -> None:
    environ = {
        "PATH": os.environ["PATH"],
        "HEKATON_HOME": str(tmp_path),
        "HEKATON_DB_HOST": parse_qs(urlsplit(changed.dsn).query)["host"][0],
        "HEKATON_DB_PORT": "5432",
        "HEKATON_DB_NAME": changed.database,
        "HEKATON_DB_USER": changed.role("b"),
    }
    words = ("run", str(MISSIONS / "extend-tally.yaml"), "--simulate", "--json")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hekaton_runtime.cli.main", *words, env=environ,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    for link, many in ((changed.b, 1), (changed.a, 2), (changed.owner, 3)):
        assert await link.fetchval("select count(*) from hekaton.mission_status") == many
    assert await changed.b.fetchval("select count(*) from hekaton.journal") > 5
    assert await changed.a.fetchval("select count(*) from hekaton.journal") == 1
