"""One leads: hand-over on release, take-over after silence, and an end when the Lease is lost."""

import asyncio
import copy
from dataclasses import dataclass, field
from typing import Any

import pytest

from hekaton_operator.errors import Away, Deposed, Stale
from hekaton_operator.lead import Leader, Terms
from hekaton_operator.objects import Body, Key

LEASE = Key("Lease", "hekaton-system", "hekaton-operator")
FAST = Terms(lease=1.0, renew=0.8, retry=0.05, call=0.5)


@dataclass
class Server:
    """Keeps one Lease as the API server would."""

    body: dict[str, Any] | None = None
    away: bool = False
    version: int = 0
    writers: list[str] = field(default_factory=list)

    async def read(self, key: Key) -> Body | None:
        if self.away:
            raise Away("no answer")
        return copy.deepcopy(self.body)

    async def create(self, key: Key, body: Body) -> Body:
        if self.body is not None:
            raise Stale("it exists")
        return self._keep(body)

    async def replace(self, key: Key, body: Body) -> Body:
        if self.away:
            raise Away("no answer")
        if body["metadata"].get("resourceVersion") != str(self.version):
            raise Stale("written in between")
        return self._keep(body)

    def _keep(self, body: Body) -> Body:
        self.version += 1
        meta = {**body["metadata"], "resourceVersion": str(self.version)}
        self.body = {**copy.deepcopy(dict(body)), "metadata": meta}
        self.writers.append(self.holder)
        return self.body

    @property
    def holder(self) -> str:
        found: str = self.body["spec"]["holderIdentity"] if self.body else ""
        return found


async def forever() -> None:
    await asyncio.Event().wait()


async def until(what: Any) -> None:
    async with asyncio.timeout(10):
        while not what():
            await asyncio.sleep(0.01)


async def ended(*tasks: "asyncio.Task[None]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_fresh_cluster_gets_its_lease() -> None:
    server = Server()
    leader = Leader(server, LEASE, "a", FAST)
    task = asyncio.create_task(leader.run(forever))
    await until(lambda: leader.leads)
    assert server.holder == "a"
    await ended(task)


async def test_the_second_waits_and_leads_when_the_first_gives_it_up() -> None:
    server = Server()
    first, second = Leader(server, LEASE, "a", FAST), Leader(server, LEASE, "b", FAST)
    one = asyncio.create_task(first.run(forever))
    await until(lambda: first.leads)
    two = asyncio.create_task(second.run(forever))
    await asyncio.sleep(1.2)  # longer than the lease: a holder that renews keeps it
    assert not second.leads
    await ended(one)
    await first.release()
    await until(lambda: second.leads)
    assert server.body is not None
    assert server.body["spec"]["leaseTransitions"] == 2
    await ended(two)


async def test_a_holder_that_vanished_is_replaced_after_its_lease() -> None:
    server = Server()
    first, second = Leader(server, LEASE, "a", FAST), Leader(server, LEASE, "b", FAST)
    one = asyncio.create_task(first.run(forever))
    await until(lambda: first.leads)
    await ended(one)
    two = asyncio.create_task(second.run(forever))
    await until(lambda: second.leads)
    assert server.body is not None
    assert server.body["spec"]["holderIdentity"] == "b"
    await ended(two)


async def test_a_leader_without_a_server_stops_working_before_its_lease_ends() -> None:
    server = Server()
    leader = Leader(server, LEASE, "a", FAST)
    stopped = asyncio.Event()

    async def work() -> None:
        try:
            await forever()
        finally:
            stopped.set()

    task = asyncio.create_task(leader.run(work))
    await until(lambda: leader.leads)
    server.away = True
    with pytest.raises(Deposed):
        await task
    assert stopped.is_set()


async def test_a_lease_that_somebody_took_ends_the_work() -> None:
    server = Server()
    leader = Leader(server, LEASE, "a", FAST)
    task = asyncio.create_task(leader.run(forever))
    await until(lambda: leader.leads)
    assert server.body is not None
    server.body["spec"]["holderIdentity"] = "b"
    with pytest.raises(Deposed):
        await task


async def test_work_that_ends_ends_the_leadership() -> None:
    leader = Leader(Server(), LEASE, "a", FAST)

    async def work() -> None:
        raise RuntimeError("the watch gave up")

    with pytest.raises(RuntimeError, match="gave up"):
        await leader.run(work)
    assert not leader.leads


async def test_giving_up_what_is_another_s_changes_nothing() -> None:
    server = Server()
    first, second = Leader(server, LEASE, "a", FAST), Leader(server, LEASE, "b", FAST)
    task = asyncio.create_task(first.run(forever))
    await until(lambda: first.leads)
    await second.release()
    assert server.holder == "a"
    await ended(task)


async def test_a_holder_that_slept_past_its_lease_knows_before_it_writes() -> None:
    """Even before its own loop has had a turn to look at the Lease."""
    now = 0.0
    server = Server()
    leader = Leader(server, LEASE, "a", Terms(), clock=lambda: now)
    working = asyncio.Event()

    async def work() -> None:
        working.set()
        await forever()

    task = asyncio.create_task(leader.run(work))
    await until(working.is_set)
    assert leader.holds()
    now = Terms().lease - 1.0
    assert not leader.holds()
    await ended(task)
    assert not leader.holds()
