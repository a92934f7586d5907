"""The append-only journal and its fence."""

from collections.abc import Awaitable, Callable

import asyncpg
import pytest

from hekaton_runtime.errors import Fenced, ReplayDiverged
from hekaton_runtime.journal.entries import ChoseNext, pack, unpack
from hekaton_runtime.journal.postgres import Journal, load
from hekaton_runtime.results import Answer, Noted
from hekaton_runtime.store.postgres import Database

NewMission = Callable[[], Awaitable[str]]


async def take(
    database: Database, mission: str, owner: str = "me", seconds: float = 15.0
) -> int | None:
    token: int | None = await database.value(
        "select hekaton.take($1, $2, $3, null)", mission, owner, seconds
    )
    return token


async def owned(database: Database, mission: str) -> Journal:
    token = await take(database, mission)
    assert token is not None
    return Journal(database, mission, token)


async def test_what_is_appended_is_loaded_in_order(
    database: Database, new_mission: NewMission
) -> None:
    journal = await owned(database, await new_mission())
    answer = Answer(text="{}", agent="sapper-1", model="m", tokens=3, micros=4)
    await journal.append("/0", b"a", answer)
    await journal.append("/1", b"next", ChoseNext(name="b"))
    entries = await load(database, journal.mission)
    assert [(e.path, e.fingerprint, e.body) for e in entries] == [
        ("/0", b"a", answer),
        ("/1", b"next", ChoseNext(name="b")),
    ]


async def test_an_entry_written_twice_after_a_lost_reply_stands_once(
    database: Database, new_mission: NewMission
) -> None:
    journal = await owned(database, await new_mission())
    await journal.append("/0", b"a", Noted())
    await journal.append("/0", b"a", Noted())
    assert len(await load(database, journal.mission)) == 1


async def test_another_result_at_the_same_place_is_refused(
    database: Database, new_mission: NewMission
) -> None:
    journal = await owned(database, await new_mission())
    await journal.append("/0", b"a", ChoseNext(name="x"))
    with pytest.raises(ReplayDiverged):
        await journal.append("/0", b"a", ChoseNext(name="y"))


async def test_a_fenced_conductor_writes_nothing(
    database: Database, new_mission: NewMission
) -> None:
    mission = await new_mission()
    token = await take(database, mission, "first", seconds=-1.0)
    assert token == 1
    assert await take(database, mission, "second") == 2
    with pytest.raises(Fenced):
        await Journal(database, mission, 1).append("/0", b"a", Noted())
    assert await load(database, mission) == ()


async def test_a_held_lease_has_one_owner(database: Database, new_mission: NewMission) -> None:
    mission = await new_mission()
    assert await take(database, mission, "first") == 1
    assert await take(database, mission, "second") is None


async def test_the_journal_cannot_be_rewritten(database: Database, new_mission: NewMission) -> None:
    journal = await owned(database, await new_mission())
    await journal.append("/0", b"a", Noted())
    with pytest.raises(asyncpg.RaiseError, match="append-only"):
        await database.fetch("update hekaton.journal set body = 'x'")


def test_bodies_survive_packing() -> None:
    assert unpack(pack(ChoseNext(name="b"))) == ChoseNext(name="b")
