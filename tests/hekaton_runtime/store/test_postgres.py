"""The pool and the migrations, on a real PostgreSQL."""

import asyncio

import asyncpg
import pytest

from hekaton_runtime.errors import BadInput, Unavailable
from hekaton_runtime.store.migrating import migrate, migrations
from hekaton_runtime.store.postgres import Database, connect

OPENED = "select hekaton.open_call('m', 1, 'c', '/0', array['', 'w'], 'a', 'sapper', 'm', 100, 0)"


async def test_migrations_apply_once_and_in_order(dsn: str) -> None:
    link = await asyncpg.connect(dsn)
    try:
        first = await migrate(link)
        again = await migrate(link)
    finally:
        await link.close()
    assert first == tuple(range(1, len(migrations()) + 1))
    assert again == ()


async def test_processes_that_start_at_once_migrate_once(dsn: str) -> None:
    async def start() -> str:
        async with connect(dsn) as database:
            return str(await database.value("select count(*) from hekaton.migration"))

    assert set(await asyncio.gather(*(start() for _ in range(6)))) == {str(len(migrations()))}


async def test_a_database_of_a_newer_version_is_refused(dsn: str, database: Database) -> None:
    await database.fetch("insert into hekaton.migration values (9999, 'later', 'x')")
    with pytest.raises(BadInput, match="Upgrade hekaton"):
        async with connect(dsn):
            pass


async def test_a_mission_begun_before_the_quicker_steps_goes_on_with_them(dsn: str) -> None:
    link = await asyncpg.connect(dsn)
    try:
        await link.execute("create schema hekaton")
        for _, _, text in migrations()[:8]:
            await link.execute(text)
        await link.execute(
            "insert into hekaton.mission (id, name, mode, document, formation)"
            " values ('m', 'm', 'single', '{}', '{}')"
        )
        await link.execute("select hekaton.take('m', 'me', 15, null)")
        await link.execute(OPENED)
        for _, _, text in migrations()[8:]:
            await link.execute(text)
        closed = (
            "select hekaton.finish_call('m', 1, 'c', 'settled', 7, 2, 0, false, '/0', 'm', 'b')"
        )
        assert await link.fetchval(closed) == "appended"
        row = await link.fetchrow("select spent_tokens, reserved_tokens from hekaton.account")
        with pytest.raises(asyncpg.CheckViolationError):
            await link.execute("update hekaton.account set cap_tokens = 8")
    finally:
        await link.close()
    assert row is not None
    assert tuple(row) == (9, 0)


async def test_an_edited_migration_is_refused(dsn: str, database: Database) -> None:
    await database.fetch("update hekaton.migration set digest = 'other' where number = 1")
    with pytest.raises(BadInput, match=r"0001_missions\.sql differs.*HEKATON_HOME"):
        async with connect(dsn):
            pass


async def test_a_statement_survives_its_connections_being_cut(dsn: str, database: Database) -> None:
    other = await asyncpg.connect(dsn)

    async def cut() -> None:
        for _ in range(5):
            await other.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
            )
            await asyncio.sleep(0.02)

    async def work() -> int:
        return sum([await database.value("select 1") for _ in range(200)])

    try:
        _, total = await asyncio.gather(cut(), work())
    finally:
        await other.close()
    assert total == 200


async def test_a_cancelled_statement_is_over_when_its_cancellation_is_heard(
    database: Database,
) -> None:
    assert await database.value("select 1") == 1  # so that a connection is in hand
    sleeping = asyncio.create_task(database.value("select pg_sleep(30)"))
    active = (
        "select count(*) from pg_stat_activity where state = 'active' and query like '%sleep(30%'"
    )
    while not await database.value(f"{active} and pid <> pg_backend_pid()"):
        await asyncio.sleep(0.01)
    sleeping.cancel()
    await asyncio.gather(sleeping, return_exceptions=True)
    assert sleeping.cancelled()
    assert await database.value(f"{active} and pid <> pg_backend_pid()") == 0


async def test_more_statements_at_once_than_connections_all_get_their_turn(
    database: Database,
) -> None:
    for _ in range(3):
        sent = (database.value("select $1::int from pg_sleep(0.001)", n) for n in range(60))
        assert await asyncio.gather(*sent) == list(range(60))


async def test_a_watcher_hears_again_after_its_connection_was_cut(
    dsn: str, database: Database
) -> None:
    said: list[str] = []
    watching = asyncio.create_task(database.watch("news", said.append))
    other = await asyncpg.connect(dsn)
    try:
        while not said:
            await asyncio.sleep(0.01)
        await other.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
        while "hello" not in said:
            await other.execute("notify news, 'hello'")
            await asyncio.sleep(0.05)
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await other.close()
    assert said[0] == ""


async def test_a_server_that_is_away_is_unavailable_in_words() -> None:
    with pytest.raises(Unavailable, match="No PostgreSQL answers"):
        async with connect("postgresql://nobody@/none?host=/nowhere"):
            pass


async def test_a_watcher_ends_though_its_connection_is_cut_as_it_is_cancelled(
    dsn: str, database: Database
) -> None:
    other = await asyncpg.connect(dsn)
    try:
        for _ in range(20):
            said: list[str] = []
            watching = asyncio.create_task(database.watch("news", said.append))
            while len(said) < 2:  # its own word, then the listener's
                await asyncio.sleep(0.01)
            await other.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
            )
            watching.cancel()
            done, _ = await asyncio.wait([watching], timeout=20)
            assert done
    finally:
        await other.close()


@pytest.mark.parametrize("text", ["\udcff", "a\0b"], ids=["no Unicode", "a NUL"])
async def test_a_text_that_the_server_cannot_hold_is_bad_input_and_the_link_lives_on(
    database: Database, text: str
) -> None:
    with pytest.raises(BadInput, match="Give text in UTF-8, without NUL bytes"):
        await database.value("select $1::text", text)
    assert await database.value("select $1::text", "a") == "a"
