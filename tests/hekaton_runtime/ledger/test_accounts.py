"""The ledger: reservations never exceed a cap, whatever happens at once."""

import asyncio
import random
import uuid
from collections.abc import Awaitable, Callable

import pytest

from hekaton_runtime.errors import Fenced
from hekaton_runtime.ledger.accounts import RELEASED, UNKNOWN, Bill, Call, Ledger, Wait, chain
from hekaton_runtime.ledger.money import Amount
from hekaton_runtime.results import Noted, Refused, Usage
from hekaton_runtime.store.postgres import Database

NewMission = Callable[[], Awaitable[str]]


async def ledger_of(
    database: Database, mission: str, tokens: int = 1000, micros: int = 1000
) -> Ledger:
    token = await database.value("select hekaton.take($1, 'me', 15, null)", mission)
    ledger = Ledger(database, mission, token)
    await ledger.cap("", Amount(tokens, micros))
    return ledger


def call(tokens: int, micros: int = 0, accounts: tuple[str, ...] = (), name: str = "") -> Call:
    return Call(
        name or uuid.uuid4().hex, "/0", accounts, "sapper-1", "sapper", "m", Amount(tokens, micros)
    )


async def totals(database: Database, mission: str, account: str = "") -> tuple[int, int]:
    row = (
        await database.fetch(
            "select spent_tokens, reserved_tokens from hekaton.account where mission_id = $1 and path = $2",
            mission,
            account,
        )
    )[0]
    return row["spent_tokens"], row["reserved_tokens"]


def bill(prompt: int, completion: int = 0, micros: int = 0) -> Bill:
    return Bill("settled", Usage(prompt_tokens=prompt, completion_tokens=completion), micros)


def test_a_chain_names_every_account_from_the_outside_in() -> None:
    assert chain(("wave-1", "sapper-1")) == ["", "wave-1", "wave-1/sapper-1"]


async def test_a_settled_call_gives_back_what_it_did_not_use(
    database: Database, new_mission: NewMission
) -> None:
    mission = await new_mission()
    ledger = await ledger_of(database, mission)
    assert await ledger.open(call(600, name="c")) is None
    assert await totals(database, mission) == (0, 600)
    await ledger.close("c", bill(100, 20))
    assert await totals(database, mission) == (120, 0)


async def test_no_room_at_all_is_a_refusal_with_the_arithmetic(
    database: Database, new_mission: NewMission
) -> None:
    ledger = await ledger_of(database, await new_mission(), tokens=100)
    refused = await ledger.open(call(101))
    assert isinstance(refused, Refused)
    assert (refused.needed_tokens, refused.left_tokens) == (101, 100)


async def test_room_that_calls_in_flight_hold_is_worth_waiting_for(
    database: Database, new_mission: NewMission
) -> None:
    ledger = await ledger_of(database, await new_mission(), tokens=100)
    assert await ledger.open(call(80, name="first")) is None
    assert isinstance(await ledger.open(call(50)), Wait)
    await ledger.close("first", bill(10))
    assert await ledger.open(call(50)) is None


async def test_money_is_capped_as_tokens_are(database: Database, new_mission: NewMission) -> None:
    ledger = await ledger_of(database, await new_mission(), tokens=10**6, micros=10)
    refused = await ledger.open(call(1, micros=11))
    assert isinstance(refused, Refused)
    assert refused.left_micros == 10


async def test_a_nested_cap_binds_before_the_missions(
    database: Database, new_mission: NewMission
) -> None:
    mission = await new_mission()
    ledger = await ledger_of(database, mission)
    await ledger.cap("wave-1", Amount(50, 50))
    refused = await ledger.open(call(51, accounts=("wave-1", "a")))
    assert isinstance(refused, Refused)
    assert refused.account == "mission/wave-1"
    assert await totals(database, mission) == (0, 0)


async def test_calls_that_an_earlier_owner_left_open_stay_charged(
    database: Database, new_mission: NewMission
) -> None:
    mission = await new_mission()
    ledger = await ledger_of(database, mission)
    assert await ledger.open(call(300, accounts=("w",))) is None
    assert await ledger.forfeit() == 1
    assert await ledger.forfeit() == 0
    assert await totals(database, mission) == (300, 0)
    assert await totals(database, mission, "w") == (300, 0)


async def test_a_released_call_costs_nothing_and_an_unknown_one_its_reservation(
    database: Database, new_mission: NewMission
) -> None:
    mission = await new_mission()
    ledger = await ledger_of(database, mission)
    await ledger.open(call(100, name="a"))
    await ledger.open(call(100, name="b"))
    await ledger.close("a", RELEASED)
    await ledger.close("b", UNKNOWN)
    await ledger.close("b", bill(1))
    assert await totals(database, mission) == (100, 0)


async def test_opening_again_after_a_lost_reply_reserves_once(
    database: Database, new_mission: NewMission
) -> None:
    mission = await new_mission()
    ledger = await ledger_of(database, mission)
    same = call(100, name="same")
    assert await ledger.open(same) is None
    assert await ledger.open(same) is None
    assert await totals(database, mission) == (0, 100)


async def test_a_bill_beyond_the_worst_case_is_told_and_never_breaks_the_cap(
    database: Database, new_mission: NewMission
) -> None:
    mission = await new_mission()
    ledger = await ledger_of(database, mission, tokens=100)
    await ledger.open(call(90, name="c"))
    assert await ledger.finish("c", bill(150), "/0", b"x", Noted())
    assert await totals(database, mission) == (100, 0)
    over = await database.value(
        "select overrun_tokens from hekaton.mission_status where id = $1", mission
    )
    assert over == 50


async def test_a_fenced_ledger_reserves_nothing(
    database: Database, new_mission: NewMission
) -> None:
    mission = await new_mission()
    ledger = await ledger_of(database, mission)
    await database.value("select hekaton.take($1, 'other', 15, 'me')", mission)
    with pytest.raises(Fenced):
        await ledger.open(call(1))
    assert await totals(database, mission) == (0, 0)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_hundreds_of_concurrent_calls_never_exceed_a_cap(
    database: Database, new_mission: NewMission, seed: int
) -> None:
    mission = await new_mission()
    ledger = await ledger_of(database, mission, tokens=5000, micros=4000)
    await ledger.cap("w1", Amount(2000, 4000))
    chance = random.Random(seed)
    plans = [
        (
            call(chance.randint(1, 300), chance.randint(0, 250), (f"w{chance.randint(1, 3)}", "a")),
            chance.random(),
        )
        for _ in range(200)
    ]

    async def live(one: Call, fate: float) -> int:
        if await ledger.open(one) is not None:
            return 0
        await asyncio.sleep(0)
        used = int(one.worst.tokens * fate)
        if fate < 0.1:
            await ledger.close(one.id, UNKNOWN)
            return one.worst.tokens
        if fate < 0.2:
            await ledger.close(one.id, RELEASED)
            return 0
        await ledger.close(one.id, bill(used, 0, int(one.worst.micros * fate)))
        return used

    charged = sum(await asyncio.gather(*(live(one, fate) for one, fate in plans)))
    assert await totals(database, mission) == (charged, 0)
    assert charged <= 5000
    assert (await totals(database, mission, "w1"))[0] <= 2000


async def test_a_share_may_rise_and_fall_and_never_below_what_is_spent_and_held(
    database: Database, new_mission: NewMission
) -> None:
    mission = await new_mission()
    ledger = await ledger_of(database, mission)
    await ledger.allot(("task-a",), Amount(100, 100))
    assert await ledger.open(call(60, accounts=("task-a",), name="c")) is None
    assert await ledger.left() == Amount(940, 1000)
    await ledger.allot(("task-a",), Amount(10, 10))
    assert isinstance(await ledger.open(call(11, accounts=("task-a",))), Wait)
    await ledger.close("c", bill(60))
    assert isinstance(await ledger.open(call(11, accounts=("task-a",))), Refused)
    await ledger.allot(("task-a",), Amount(940, 1000))
    assert await ledger.open(call(940, accounts=("task-a",))) is None


async def test_who_lost_the_mission_shares_nothing_out(
    database: Database, new_mission: NewMission
) -> None:
    mission = await new_mission()
    ledger = await ledger_of(database, mission)
    await database.value("select hekaton.take($1, 'other', 15, 'me')", mission)
    await ledger.allot(("task-a",), Amount(1, 1))
    rows = await database.fetch("select path from hekaton.account where mission_id = $1", mission)
    assert [row["path"] for row in rows] == [""]
