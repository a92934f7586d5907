"""Leadership by a Lease: one replica works, the others wait.

The client library's own election cannot create a Lease, dies with the first lost connection and never
gives its lease up; hence these few lines. Another's lease is timed by our own clock from when we saw
it change last, so clocks need not agree.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from hekaton_operator.errors import Away, Deposed, Gone, Refused, Stale
from hekaton_operator.objects import Body, Key

log = logging.getLogger(__name__)
LEASE = "hekaton-operator"
NO_ANSWER = (Away, Gone, Refused, Stale)


class Leases(Protocol):
    """Raises `Stale` when somebody wrote in between, `Away` and `Refused` as every write."""

    async def read(self, key: Key) -> Body | None:
        """None where there is none."""

    async def create(self, key: Key, body: Body) -> Body:
        """A new Lease."""

    async def replace(self, key: Key, body: Body) -> Body:
        """With the resource version that was read."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Seconds."""

    lease: float = 12.0
    """After which a silent holder has lost it: with a retry before and one after, another leads within 15."""
    renew: float = 10.0
    """After which a holder that cannot renew stops working."""
    retry: float = 1.5
    """Between two tries."""
    call: float = 2.0
    """Longest request: a frozen server must not hide the deadline."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What another holder wrote last, and when we saw it first."""

    mark: str
    at: float


class Leader:
    def __init__(
        self, leases: Leases, key: Key, identity: str, terms: Terms = Terms(),
        clock: Callable[[], float] | None = None,
    ) -> None:  # fmt: skip
        self._leases, self._key, self._identity, self._terms = leases, key, identity, terms
        self._clock = clock or asyncio.get_running_loop().time
        self._seen: Seen | None = None
        self._renewed = 0.0
        self.leads = False
        self.tried = 0.0
        """When the Lease was looked at last, by our clock."""

    def holds(self) -> bool:
        """Whether nobody else can lead yet: by our clock, which also runs while we are stopped."""
        return self.leads and self._clock() - self._renewed < self._terms.lease - self._terms.call

    async def run(self, work: Callable[[], Awaitable[None]]) -> None:
        """Wait for leadership, work while it lasts, give it up. Raises `Deposed` when it was lost."""
        while not await self._attempt():
            await asyncio.sleep(self._terms.retry)
        log.info("leads", extra={"identity": self._identity})
        self.leads = True
        working = asyncio.ensure_future(work())
        keeping = asyncio.create_task(self._keep())
        try:
            await asyncio.wait({working, keeping}, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                await working
            else:
                await keeping
        finally:
            for task in (keeping, working):
                task.cancel()
            await asyncio.gather(keeping, working, return_exceptions=True)
            self.leads = False

    async def release(self) -> None:
        """Let the next one take over at once; silently nothing when it is not ours."""
        try:
            async with asyncio.timeout(2 * self._terms.call):
                body = await self._leases.read(self._key)
                if body is not None and body["spec"].get("holderIdentity") == self._identity:
                    freed = {**body["spec"], "holderIdentity": "", "leaseDurationSeconds": 1}
                    await self._leases.replace(self._key, {**body, "spec": freed})
        except (*NO_ANSWER, TimeoutError) as fault:
            log.warning("lease not given up: %s", fault)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(self._terms.retry)
            if await self._attempt():
                continue
            if self._seen is not None:
                raise Deposed("Another replica holds the Lease.")
            if self._clock() - self._renewed > self._terms.renew:
                raise Deposed(f"The Lease could not be renewed for {self._terms.renew:g} s.")

    async def _attempt(self) -> bool:
        """Take or renew it; False when somebody else has it, or nobody answers."""
        started = self._clock()
        try:
            async with asyncio.timeout(self._terms.call):  # wait_for may swallow a cancellation
                held = await self._try(started)
        except (*NO_ANSWER, TimeoutError) as fault:
            log.warning("lease: %s: %s", type(fault).__name__, fault)
            return False
        self.tried = self._clock()
        if held:
            self._renewed = started
        return held

    async def _try(self, now: float) -> bool:
        body = await self._leases.read(self._key)
        if body is None:
            await self._leases.create(self._key, self._lease({}, {}))
            return True
        spec = body.get("spec") or {}
        holder = spec.get("holderIdentity") or ""
        if holder not in ("", self._identity) and not self._expired(spec, now):
            return False
        self._seen = None
        await self._leases.replace(self._key, self._lease(body["metadata"], spec))
        return True

    def _expired(self, spec: Body, now: float) -> bool:
        mark = f"{spec.get('holderIdentity')} {spec.get('renewTime')}"
        if self._seen is None or self._seen.mark != mark:
            self._seen = Seen(mark, now)
        return now - self._seen.at > float(spec.get("leaseDurationSeconds") or self._terms.lease)

    def _lease(self, meta: Body, spec: Body) -> dict[str, Any]:
        moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        same = spec.get("holderIdentity") == self._identity
        turns = int(spec.get("leaseTransitions") or 0)
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {**meta, "name": self._key.name, "namespace": self._key.namespace},
            "spec": {
                "holderIdentity": self._identity,
                "leaseDurationSeconds": int(self._terms.lease),
                "acquireTime": spec.get("acquireTime", moment) if same else moment,
                "renewTime": moment,
                "leaseTransitions": turns if same else turns + 1,
            },
        }
