"""The kill switch's last writes: one commit, and nothing of the mission moves after it."""

from collections.abc import Awaitable, Callable

import pytest

from hekaton_runtime.errors import Fenced
from hekaton_runtime.journal.entries import LABELS, Entry, Halted, Label, Labelled
from hekaton_runtime.journal.postgres import Journal, load
from hekaton_runtime.ledger.accounts import Bill, Call, Ledger
from hekaton_runtime.ledger.money import Amount
from hekaton_runtime.results import Usage
from hekaton_runtime.store.postgres import Database

NewMission = Callable[[], Awaitable[str]]
SAID = Halted(kind="killed", reason="enough")
LABELLED = Labelled(labels=(Label(code="FM-3.1", name="premature termination", text="enough"),))
LABEL = Entry("!labels-1", LABELS, LABELLED)
TRANSACTIONS = (
    "select xmin::text from hekaton.journal where mission_id = $1"
    " union select xmin::text from hekaton.call where mission_id = $1"
    " union select xmin::text from hekaton.account where mission_id = $1"
)


async def owned(database: Database, mission: str) -> tuple[Journal, Ledger]:
    token = await database.value("select hekaton.take($1, 'me', 15, null)", mission)
    ledger = Ledger(database, mission, token)
    await ledger.cap("", Amount(1000, 1000))
    return Journal(database, mission, token), ledger


def call(name: str, tokens: int) -> Call:
    return Call(name, "/0", (), "sapper-1", "sapper", "m", Amount(tokens, 0))


async def test_a_halt_its_labels_and_the_calls_in_flight_are_one_commit(
    database: Database, new_mission: NewMission
) -> None:
    mission = await new_mission()
    journal, ledger = await owned(database, mission)
    assert await ledger.open(call("a", 300)) is None
    assert await ledger.open(call("b", 200)) is None
    await journal.halt(SAID, LABEL)
    assert len(await database.fetch(TRANSACTIONS, mission)) == 1
    states = await database.fetch("select distinct state from hekaton.call")
    assert [row["state"] for row in states] == ["unknown"]
    assert await ledger.left() == Amount(500, 1000)
    assert [entry.body for entry in await load(database, mission)] == [SAID, LABELLED]


async def test_nothing_that_comes_late_moves_a_halted_mission(
    database: Database, new_mission: NewMission
) -> None:
    mission = await new_mission()
    journal, ledger = await owned(database, mission)
    assert await ledger.open(call("a", 300)) is None
    await journal.halt(SAID)
    before = await database.fetch(TRANSACTIONS, mission)
    bill = Bill("settled", Usage(prompt_tokens=1, completion_tokens=1))
    await ledger.close("a", bill)
    assert await ledger.forfeit() == 0
    assert await database.fetch(TRANSACTIONS, mission) == before


async def test_a_halt_whose_answer_was_lost_is_written_once(
    database: Database, new_mission: NewMission
) -> None:
    mission = await new_mission()
    journal, _ = await owned(database, mission)
    await journal.halt(SAID, LABEL)
    await journal.halt(SAID, LABEL)
    assert len(await load(database, mission)) == 2


async def test_who_lost_the_mission_halts_nothing(
    database: Database, new_mission: NewMission
) -> None:
    mission = await new_mission()
    journal, ledger = await owned(database, mission)
    assert await ledger.open(call("a", 300)) is None
    await database.value("select hekaton.take($1, 'other', 15, 'me')", mission)
    with pytest.raises(Fenced):
        await journal.halt(SAID, LABEL)
    assert await load(database, mission) == ()
    assert await database.value("select state from hekaton.call") == "open"
