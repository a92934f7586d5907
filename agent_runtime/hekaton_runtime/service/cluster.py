"""The desk of a cluster: each task becomes a Mission object, which the operator works; the service keeps nothing.

Its rights are those of one Role: Missions of one namespace, to read, to apply and to cancel. So the
journal and the papers stay where they are; what a Mission's status says is what can be told.
"""

import asyncio
import hashlib
import json
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from hekaton_runtime.errors import BadInput, Unavailable
from hekaton_runtime.kube.values import ENDS, Mission
from hekaton_runtime.service.desk import (
    QUIET,
    Clash,
    Client,
    Event,
    Full,
    Links,
    Paper,
    Shown,
    State,
    Submission,
    Unknown,
    View,
)
from hekaton_runtime.service.drafting import CENT, FEW, MOST_USD, Terms, mission

CLIENT = "hekaton.dev/client"
"""Label: the name of the API key that a mission came with."""
DEAREST = Decimal("0.0001")
"""US dollars of a token, above every list price: so tokens bind, unless --budget-usd says otherwise."""
LOOK = 1.0
"""Seconds between two looks at a mission that somebody follows, and for which a count of the queue is good."""
STATES: dict[str, State] = {
    "Succeeded": "passed", "Failed": "failed", "Cancelled": "stopped", "BudgetExhausted": "stopped",
}  # fmt: skip


class Missions(Protocol):
    """The Missions of one namespace; raises `BadInput` for what the server refuses, `Unavailable`."""

    async def apply(self, document: dict[str, Any]) -> None:
        """Make one, by server-side apply."""

    async def found(self, name: str) -> Mission | None:
        """None where there is no such mission."""

    async def missions(self, labels: str = "") -> tuple[Mission, ...]:
        """The newest first; those that a selector finds."""

    async def cancel(self, name: str) -> None:
        """For good."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What every task gets that does not say otherwise."""

    formation: str
    namespace: str
    mode: str = "hierarchical"
    wall_clock: str = "1h"
    usd: Decimal | None = None


class ClusterDesk:
    """A `Desk` and its `Papers`."""

    def __init__(self, missions: Missions, offer: Offer, room: int) -> None:
        """`room`: missions that may wait at most."""
        self._missions = missions
        self._offer = offer
        self._room = room
        self._counted = float("-inf")
        self._counting = asyncio.Lock()
        self._waiting = 0

    async def submit(self, client: Client, wanted: Submission) -> View:
        name = named(client, wanted.word)
        document = self._document(client, wanted, name)
        if wanted.word and (there := await self._missions.found(name)):
            return self._same(client, there, wanted)
        await self._count()
        if self._waiting >= self._room:
            raise Full(f"The queue is full: {self._room} missions wait. Come back later.")
        self._waiting += 1
        try:
            await self._missions.apply(document)
        except BadInput:
            # Two requests with one word at once: the second would change what the first one asked for.
            there = await self._missions.found(name)
            if there is None:
                raise
            return self._same(client, there, wanted)
        return await self.view(client, name)

    def _document(self, client: Client, wanted: Submission, name: str) -> dict[str, Any]:
        offer = self._offer
        usd = min(DEAREST * wanted.tokens + CENT, MOST_USD) if offer.usd is None else offer.usd
        mode = wanted.mode or ("single" if wanted.tokens < FEW else offer.mode)
        metadata = {"name": name, "namespace": offer.namespace, "labels": {CLIENT: client}}
        made = mission(wanted, metadata, Terms(offer.formation, mode, offer.wall_clock, usd))
        plain: dict[str, Any] = json.loads(
            made.model_dump_json(by_alias=True, exclude_unset=True, exclude_none=True)
        )
        return plain

    def _same(self, client: Client, there: Mission, wanted: Submission) -> View:
        seen = shown(there)
        mine = there.metadata.labels.get(CLIENT) == client
        if mine and (seen.task_description, seen.total_budget_tokens) == (
            wanted.task,
            wanted.tokens,
        ):
            return seen
        raise Clash(
            f"Idempotency-Key {wanted.word!r} belongs to mission {seen.id!r}, which is another task."
            " Send a key of its own with each task."
        )

    async def _count(self) -> None:
        """A burst is counted from one list, and what it adds."""
        async with self._counting:
            if time.monotonic() - self._counted >= LOOK:
                found = await self._missions.missions(CLIENT)
                self._waiting = sum(_state(one) == "queued" for one in found)
                self._counted = time.monotonic()

    async def listed(self, client: Client, limit: int, before: str) -> tuple[View, ...]:
        found = await self._missions.missions(f"{CLIENT}={client}")
        if before:
            names = [one.metadata.name for one in found]
            if before not in names:
                raise Unknown(f"There is no mission {before!r}. GET /missions lists yours.")
            found = found[names.index(before) + 1 :]
        return tuple(map(shown, found[:limit]))

    async def view(self, client: Client, mission: str) -> View:
        return shown(await self._mine(client, mission))

    async def _mine(self, client: Client, mission: str) -> Mission:
        found = await self._missions.found(mission)
        if found is None or found.metadata.labels.get(CLIENT) != client:
            raise Unknown(f"There is no mission {mission!r}. GET /missions lists yours.")
        return found

    async def cancel(self, client: Client, mission: str) -> View:
        seen = await self.view(client, mission)
        if seen.final and seen.state != "stopped":
            raise Clash(f"Mission {mission!r} has ended already: {seen.state}. {seen.reason}")
        if not seen.final:
            await self._missions.cancel(mission)
        return await self.view(client, mission)

    async def events(self, client: Client, mission: str, after: int) -> AsyncIterator[Event]:
        """How it stands at each change; lines of the journal stay in the cluster's database."""
        seen: View | None = None
        again = 0.0
        while True:
            now = await self.view(client, mission)
            if now != seen or time.monotonic() >= again:
                seen, again = now, time.monotonic() + QUIET
                yield Shown(after, now)
            if now.final:
                return
            await asyncio.sleep(LOOK)

    async def paper(self, client: Client, mission: str, name: Paper) -> bytes:
        """The summary of the SITREP; the result itself lies where the Mission says."""
        found = await self._mine(client, mission)
        if name == "sitrep" and found.status.sitrep:
            return found.status.sitrep.encode()
        place = found.status.artifact.location if found.status.artifact else None
        where = f" It lies at {place}." if place and name == "artifact" else ""
        space = self._offer.namespace
        raise Clash(
            f"Mission {mission!r} has no {name} here: it is {_state(found)}.{where}"
            f" `hekaton artifact {mission} -n {space}` fetches its papers."
        )

    async def why_not(self) -> tuple[str, ...]:
        """Why nothing can be taken in now."""
        try:
            await self._count()
        except (BadInput, Unavailable) as fault:
            return (str(fault),)
        return ()


def named(client: Client, word: str | None) -> str:
    """The same for the same word of the same client, so that no second mission is made."""
    if word is None:
        return f"task-{secrets.token_hex(6)}"
    return f"task-{hashlib.sha256(f'{client}:{word}'.encode()).hexdigest()[:20]}"


def shown(one: Mission) -> View:
    status, meta = one.status, one.metadata
    ahead = status.queue_position
    state = _state(one)
    return View(
        id=meta.name, state=state,
        position=0 if state != "queued" else 1 + (ahead or 0),
        reason=one.sentence if state != "running" else "", task_description=one.spec.goal,
        total_budget_tokens=one.spec.budget.tokens, mode=one.spec.mode, phase=status.phase, detail="",
        wave=status.wave, tasks_done=status.tasks.done, tasks_total=status.tasks.total,
        score=status.scores.weighted if status.scores else None, spent_tokens=status.spent.tokens,
        reserved_tokens=status.reserved.tokens, spent_usd=status.spent.usd,
        simulated="SIMULATED" in (status.sitrep or ""),
        created=meta.creation_timestamp.timestamp() if meta.creation_timestamp else 0.0,
        started=status.start_time.timestamp() if status.start_time else None,
        ended=status.completion_time.timestamp() if status.completion_time else None,
        links=Links.of(meta.name),
    )  # fmt: skip


def _state(one: Mission) -> State:
    if (end := one.end) and end.type in ENDS:
        return STATES[end.type]
    running = one.condition("Running")
    if running and running.status == "True":
        return "running"
    return "waiting" if one.status.start_time else "queued"
