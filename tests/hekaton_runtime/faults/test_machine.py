"""Journal and ledger under crash and takeover: a state machine against a model, on a real PostgreSQL."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as explore

from hekaton_runtime.errors import Fenced, ReplayDiverged
from hekaton_runtime.journal.entries import Halted, pack
from hekaton_runtime.journal.postgres import Journal, load
from hekaton_runtime.ledger.accounts import RELEASED, UNKNOWN, Bill, Call, Ledger, Wait, chain
from hekaton_runtime.ledger.money import Amount
from hekaton_runtime.results import Clock, Refused, Usage
from hekaton_runtime.store.postgres import Database, connect

CAPS = {"": 1000, "wave": 600}
ACCOUNTS: tuple[tuple[str, ...], ...] = ((), ("wave",), ("wave", "a"), ("b",))
MARK = b"12345678"
NUMBERS = itertools.count()
SNAPSHOT = (
    "select md5(string_agg(t.row, '' order by t.row)) from ("
    " select j::text as row from hekaton.journal j where mission_id = $1"
    " union all select c::text from hekaton.call c where mission_id = $1"
    " union all select a::text from hekaton.account a where mission_id = $1) t"
)
T = TypeVar("T")


@dataclass
class World:
    """A database and the loop that talks to it."""

    runner: asyncio.Runner
    database: Database

    def run(self, work: Awaitable[T]) -> T:
        async def waited() -> T:
            return await work

        return self.runner.run(waited())


@dataclass
class Known:
    """What the model believes of one call."""

    call: Call
    state: str = "open"
    charged: int = 0


@dataclass
class Owner:
    """A conductor that owns, or owned, the mission."""

    ledger: Ledger
    journal: Journal
    sent: list[Callable[[], Awaitable[Any]]] = field(default_factory=list)
    """Statements that it may send again, their answer having been lost."""


class Mission(RuleBasedStateMachine):
    world: World

    @initialize()
    def begin(self) -> None:
        self.calls: dict[str, Known] = {}
        self.entries: dict[str, float] = {}
        self.owners: list[Owner] = []
        self.mission = f"m-{next(NUMBERS)}"
        self.run(
            self.world.database.fetch(
                "insert into hekaton.mission (id, name, mode, document, formation)"
                " values ($1, $1, 'single', '{}', '{}')",
                self.mission,
            )
        )
        self.take_over(forfeits=True)
        for account, tokens in CAPS.items():
            self.run(self.owner.ledger.cap(account, Amount(tokens, tokens)))

    def run(self, work: Awaitable[T]) -> T:
        return self.world.run(work)

    @property
    def owner(self) -> Owner:
        return self.owners[-1]

    def charge(self, account: str, *states: str) -> int:
        return sum(
            one.charged if one.state != "open" else one.call.worst.tokens
            for one in self.calls.values()
            if account in chain(one.call.accounts) and one.state in states
        )

    def room(self, account: str, *states: str) -> int:
        return CAPS.get(account, 10**9) - self.charge(account, *states)

    def unowned(self, work: Awaitable[Any]) -> None:
        """What a fenced owner tries changes nothing, and most of it says so."""
        before = self.run(self.world.database.value(SNAPSHOT, self.mission))
        with suppress(Fenced):
            self.run(work)
        assert self.run(self.world.database.value(SNAPSHOT, self.mission)) == before

    @rule(tokens=st.integers(1, 400), accounts=st.sampled_from(ACCOUNTS))
    def open(self, tokens: int, accounts: tuple[str, ...]) -> None:
        name = f"c{len(self.calls)}"
        call = Call(name, "/0", accounts, "a", "sapper", "m", Amount(tokens, tokens))
        verdict = self.run(self.owner.ledger.open(call))
        path = chain(accounts)
        if any(tokens > self.room(one, "settled", "unknown") for one in path):
            assert isinstance(verdict, Refused)
        elif any(tokens > self.room(one, "settled", "unknown", "open") for one in path):
            assert isinstance(verdict, Wait)
        else:
            assert verdict is None
            self.calls[name] = Known(call)
            self.owner.sent.append(lambda owner=self.owner: owner.ledger.open(call))  # type: ignore[misc]

    @precondition(lambda self: any(one.state == "open" for one in self.calls.values()))
    @rule(data=st.data(), share=st.floats(0, 1))
    def settle(self, data: st.DataObject, share: float) -> None:
        one = data.draw(st.sampled_from([c for c in self.calls.values() if c.state == "open"]))
        used = int(one.call.worst.tokens * share)
        bill = Bill("settled", Usage(prompt_tokens=used, completion_tokens=0), used)
        path, body = f"/{one.call.id}", Clock(at=float(used))
        finish = self.owner.ledger.finish
        assert self.run(finish(one.call.id, bill, path, MARK, body)) is False
        one.state, one.charged = "settled", used
        self.entries[path] = body.at
        again = lambda: finish(one.call.id, bill, path, MARK, body)  # noqa: E731
        self.owner.sent.append(again)

    @precondition(lambda self: any(one.state == "open" for one in self.calls.values()))
    @rule(data=st.data(), bill=st.sampled_from([RELEASED, UNKNOWN]))
    def close(self, data: st.DataObject, bill: Bill) -> None:
        one = data.draw(st.sampled_from([c for c in self.calls.values() if c.state == "open"]))
        close = self.owner.ledger.close
        self.run(close(one.call.id, bill))
        one.state = bill.state
        one.charged = one.call.worst.tokens if bill is UNKNOWN else 0
        self.owner.sent.append(lambda: close(one.call.id, bill))

    @rule(at=st.integers(0, 3), number=st.integers(0, 5))
    def append(self, at: int, number: int) -> None:
        path = f"/step-{number}"
        write = self.owner.journal.append(path, MARK, Clock(at=float(at)))
        if self.entries.get(path, at) != at:
            with pytest.raises(ReplayDiverged):
                self.run(write)
            return
        self.run(write)
        self.entries[path] = float(at)

    @precondition(lambda self: self.owner.sent)
    @rule(data=st.data())
    def send_again(self, data: st.DataObject) -> None:
        """The answer was lost with its connection; the statement took effect once."""
        before = self.run(self.world.database.value(SNAPSHOT, self.mission))
        self.run(data.draw(st.sampled_from(self.owner.sent))())
        assert self.run(self.world.database.value(SNAPSHOT, self.mission)) == before

    @rule(tokens=st.integers(1, 100), ticks=st.integers(0, 6))
    def crash_while_opening(self, tokens: int, ticks: int) -> None:
        name = f"c{len(self.calls)}"
        call = Call(name, "/0", (), "a", "sapper", "m", Amount(tokens, tokens))

        async def crash() -> str | None:
            task = asyncio.create_task(self.owner.ledger.open(call))
            for _ in range(ticks):
                await asyncio.sleep(0.0005)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            state: str | None = await self.world.database.value(
                "select state from hekaton.call where mission_id = $1 and id = $2",
                self.mission,
                name,
            )
            return state

        if self.run(crash()):
            self.calls[name] = Known(call)

    @rule(forfeits=st.booleans())
    def take_over(self, forfeits: bool) -> None:
        self.run(
            self.world.database.fetch(
                "update hekaton.lease set until = '-infinity' where mission_id = $1", self.mission
            )
        )
        token = self.run(
            self.world.database.value(
                "select hekaton.take($1, $2, 60, null)", self.mission, f"o{len(self.owners)}"
            )
        )
        self.owners.append(
            Owner(
                Ledger(self.world.database, self.mission, token),
                Journal(self.world.database, self.mission, token),
            )
        )
        if forfeits:
            left = [one for one in self.calls.values() if one.state == "open"]
            assert self.run(self.owner.ledger.forfeit()) == len(left)
            for one in left:
                one.state, one.charged = "unknown", one.call.worst.tokens

    @precondition(lambda self: len(self.owners) > 1)
    @rule(data=st.data(), tokens=st.integers(1, 50))
    def a_fenced_owner_goes_on(self, data: st.DataObject, tokens: int) -> None:
        old = data.draw(st.sampled_from(self.owners[:-1]))
        bill = Bill("settled", Usage(prompt_tokens=1, completion_tokens=1), 1)
        self.unowned(old.ledger.open(Call("x", "/x", (), "a", "r", "m", Amount(tokens, tokens))))
        self.unowned(old.ledger.cap("new", Amount(1, 1)))
        self.unowned(old.ledger.forfeit())
        self.unowned(old.journal.halt(Halted(kind="killed", reason="late")))
        self.unowned(old.journal.append("/late", MARK, Clock(at=0.0)))
        for one in self.calls.values():
            self.unowned(old.ledger.close(one.call.id, RELEASED))
            self.unowned(old.ledger.finish(one.call.id, bill, "/late", MARK, Clock(at=1.0)))
        for statement in old.sent:
            self.unowned(statement())

    @invariant()
    def accounts_are_the_sum_of_their_calls_and_below_their_caps(self) -> None:
        if not hasattr(self, "calls"):
            return
        rows = self.run(
            self.world.database.fetch(
                "select path, cap_tokens, spent_tokens, reserved_tokens, spent_micros, overrun_tokens"
                " from hekaton.account where mission_id = $1",
                self.mission,
            )
        )
        for row in rows:
            spent = self.charge(row["path"], "settled", "unknown")
            assert (row["spent_tokens"], row["spent_micros"]) == (spent, spent)
            assert row["reserved_tokens"] == self.charge(row["path"], "open")
            assert row["overrun_tokens"] == 0
            if row["cap_tokens"] is not None:
                assert row["spent_tokens"] + row["reserved_tokens"] <= row["cap_tokens"]

    @invariant()
    def the_journal_holds_each_path_once_and_unchanged(self) -> None:
        if not hasattr(self, "entries"):
            return
        entries = self.run(load(self.world.database, self.mission))
        assert len({entry.path for entry in entries}) == len(entries)
        there = {entry.path: pack(entry.body) for entry in entries}
        assert there == {path: pack(Clock(at=at)) for path, at in self.entries.items()}


@pytest.fixture
def world(server_dsn: str) -> Iterator[World]:
    name = f"machine{next(NUMBERS)}"

    async def admin(statement: str) -> None:
        link = await asyncpg.connect(server_dsn)
        await link.execute(statement)
        await link.close()

    with asyncio.Runner() as runner:
        runner.run(admin(f"create database {name}"))
        opened = connect(server_dsn.replace("/postgres?", f"/{name}?"), patience=5.0)
        yield World(runner, runner.run(opened.__aenter__()))
        runner.run(opened.__aexit__(None, None, None))
        runner.run(admin(f"drop database {name} with (force)"))


def test_no_crash_takeover_or_repetition_breaks_the_journal_or_the_ledger(world: World) -> None:
    machine = type("Bound", (Mission,), {"world": world})
    explore(
        machine,
        settings=settings(
            max_examples=20, stateful_step_count=20, deadline=None, database=None,
            derandomize=True, suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
