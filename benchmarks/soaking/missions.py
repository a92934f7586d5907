"""One mission of a soak: run it, do to it what its plan says, resume it until it ends, and audit it."""

import asyncio
import random
import signal
import time
from collections.abc import Mapping, Sequence
from typing import Any, assert_never

import httpx
from figures.report import ROOT
from soaking.audits import broken_rules, calls_of, disagreement, tokens
from soaking.place import CUT, Child, Place, tree, working_in
from soaking.plans import Blow, Plan
from soaking.pods import ROLES, Pod
from soaking.tally import Tally

from hekaton_runtime.models.simulated.book_yaml import load
from hekaton_runtime.models.simulated.server import serve
from hekaton_runtime.models.simulated.settings import SimulatedModel, SimulatedSettings

NAMES = ("sim-strong", "sim-fast")
SILENT = 20.0  # seconds without an event after which a hanging answer is taken for the reason
STUCK = 240.0  # seconds without an event after which a mission counts as stuck
LIVES = 30  # conductors that one mission may use up
AWAY = 3  # exit code of a conductor that gave up since the database or the broker was away
PHASE = "select phase from hekaton.mission where id = $1"


class Stuck(Exception):
    """A mission that neither goes on nor ends."""


async def mission(plan: Plan, place: Place, pod: Pod, tally: Tally) -> str:
    """Run one to its end; returns the hash of its artifact's tree, and what broke into the tally."""
    began, before = time.monotonic(), await place.known()
    async with serve(settings(plan), port=place.port) as url:
        if plan.apart:
            await pod.up()
        try:
            await Lives(plan, place, pod, tally, before).until_ended()
        except Stuck as why:
            tally.broken.append(f"mission {plan.number} ({plan.mission}): {why}")
        async with httpx.AsyncClient(trust_env=False) as client:
            answered = (await client.get(f"{url}/billing")).json()
    names = await place.known() - before
    if len(names) != 1:
        tally.broken.append(f"mission {plan.number} left {len(names)} rows: {sorted(names)}")
        return ""
    name = names.pop()
    await audit(place, name, answered["calls"], tally)
    tally.missions += 1
    tally.apart += plan.apart
    tally.spoiled.update(kind for _, kind in plan.spoiled)
    tally.slowest = max(tally.slowest, time.monotonic() - began)
    return tree(place.home / "missions" / name)


def settings(plan: Plan) -> SimulatedSettings:
    file = ROOT / "manifests" / "missions" / f"{plan.mission}.book.yaml"
    models = tuple(SimulatedModel(name, 1.0, 0.05, 0.0002) for name in NAMES)
    return SimulatedSettings(models, load(file.read_text()), faults=plan.faults)


async def audit(place: Place, name: str, bill: Sequence[Mapping[str, Any]], tally: Tally) -> None:
    calls = await calls_of(place.database, name)
    tally.broken += await broken_rules(place.database, name)
    tally.broken += [f"{name}: {said}" for said in disagreement(bill, calls)]
    if left := working_in(place.home / "missions"):
        tally.broken.append(f"{name}: processes left behind: {left}")
    tally.calls.update(call["state"] for call in calls)
    tally.billed += sum(one["prompt_tokens"] + one["completion_tokens"] for one in bill)
    tally.settled += tokens(calls, "settled")
    tally.unknown += tokens(calls, "unknown")


class Lives:
    """The conductors of one mission, one after the other."""

    def __init__(self, plan: Plan, place: Place, pod: Pod, tally: Tally, before: set[str]) -> None:
        self._plan = plan
        self._place = place
        self._pod = pod
        self._tally = tally
        self._before = before
        self._blows = list(plan.blows)
        self._chance = random.Random(plan.number)
        self._silent = SILENT
        self._away = {"Postgres", "broker"} & {blow.kind.split()[-1] for blow in plan.blows}

    async def until_ended(self) -> None:
        for _ in range(LIVES):
            child = await self._place.start(await self._words())
            try:
                await self._live(child)
            finally:
                await child.end(signal.SIGKILL)
            code = child.process.returncode
            if code == 0:
                return
            if code == AWAY and self._away:
                self._tally.again += 1
            elif code != -signal.SIGKILL:
                raise Stuck(f"exit code {code}: {''.join(child.errors)[-2000:]}")
        raise Stuck(f"not at its end after {LIVES} conductors")

    async def _words(self) -> tuple[str, ...]:
        plan, place = self._plan, self._place
        bus = ("--bus", self._pod.bus) if plan.apart else ()
        if known := await place.known() - self._before:
            return ("resume", known.pop(), *bus, "--json")
        file = str(ROOT / "manifests" / "missions" / f"{plan.mission}.yaml")
        url = ("--base-url", f"http://127.0.0.1:{place.port}/v1", "--json")
        if plan.apart:
            return ("conductor", file, *bus, "--formation", str(self._pod.formation), *url)
        return ("run", file, *url)

    async def _live(self, child: Child) -> None:
        """Until this conductor has ended, by itself or by a blow."""
        while child.alive and self._blows and await self._until(child, self._blows[0].after):
            blow = self._blows.pop(0)
            await asyncio.sleep(blow.wait)
            if child.alive:
                await self._strike(blow, child)
        await self._until(child, 10**9)

    async def _until(self, child: Child, events: int) -> bool:
        """Whether it lived until so many events were seen. A silence is ended, or is no good sign."""
        loop = asyncio.get_running_loop()
        while child.alive:
            if child.events >= events:
                return True
            silent = loop.time() - child.heard
            if silent > STUCK:
                raise Stuck(f"no event in {STUCK:.0f} s after {child.events}")
            if silent > self._silent and self._plan.hangs:
                await self._rescue(child)
            await asyncio.sleep(0.02)
        return False

    async def _rescue(self, child: Child) -> None:
        """Whoever waits for the hanging answer is killed; else ten minutes would pass. On a machine so
        busy that the silence had no other reason, the next one has to last twice as long."""
        self._silent *= 2
        if not self._plan.apart:
            await self._strike(Blow("kill conductor", 0, 0, 0), child)
            return
        for role in ROLES:
            await self._pod.kill(role)
        await self._pod.up()
        self._tally.blows["kill agent"] += len(ROLES)
        child.heard = asyncio.get_running_loop().time()

    async def _strike(self, blow: Blow, child: Child) -> None:
        self._tally.blows[blow.kind] += 1
        match blow.kind:
            case "kill conductor":
                await child.end(signal.SIGKILL)
                known = await self._place.known() - self._before
                phase = await self._place.database.value(PHASE, known.pop()) if known else ""
                self._tally.phases[phase or "starting"] += 1
            case "stop conductor":
                child.send(signal.SIGSTOP)
                await asyncio.sleep(blow.seconds)
                child.send(signal.SIGCONT)
            case "cut connections":
                await self._place.database.fetch(CUT)
            case "crash Postgres":
                await self._place.without_postgres("immediate", blow.seconds)
            case "restart Postgres":
                await self._place.without_postgres("fast", 0)
            case "kill agent":
                await self._pod.kill(self._chance.choice(ROLES))
            case "stop agent":
                await self._pod.stop(self._chance.choice(ROLES), blow.seconds)
            case "kill broker":
                await self._pod.kill("broker")
            case "stop broker":
                await self._pod.stop("broker", blow.seconds)
            case _:
                assert_never(blow.kind)
