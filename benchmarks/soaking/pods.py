"""Broker and agents as processes of their own, which outlive missions and are killed and started again."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from soaking.place import Child, Place

ROLES = ("researcher", "reasoner", "sapper", "auditor")
TEAM = """
apiVersion: hekaton.dev/v1alpha1
kind: Formation
metadata: {name: simulated}
spec:
  models:
    - {name: sim-strong, engine: external, model: simulated/sim-strong, endpoint: "http://127.0.0.1:1/v1",
       contextLength: 32768, price: {inputPerMTok: 1.25, outputPerMTok: 10}}
  roles:
"""


class Pod:
    """One broker, and an agent for each role."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.formation = place.home / "team.yaml"
        seats = (f"    - {{name: {role}, role: {role}, model: sim-strong}}\n" for role in ROLES)
        self.formation.write_text(TEAM + "".join(seats))
        self.bus = f"ipc://{place.home}/pod/bus"
        self.parts: dict[str, Child] = {}

    async def up(self) -> None:
        """Start whatever does not live; agents need the model server to be there."""
        for name in ("broker", *ROLES):
            if name not in self.parts or not self.parts[name].alive:
                self.parts[name] = await self._place.start(self._words(name))
        for role in ROLES:  # its first line says that it is about to serve
            while self.parts[role].alive and not self.parts[role].events:
                await asyncio.sleep(0.05)

    async def kill(self, name: str) -> None:
        """Kill -9 and start again at once."""
        await self.parts[name].end(signal.SIGKILL)
        self.parts[name] = await self._place.start(self._words(name))

    async def stop(self, name: str, seconds: float) -> None:
        """SIGSTOP for some seconds."""
        self.parts[name].send(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        self.parts[name].send(signal.SIGCONT)

    async def down(self) -> None:
        await asyncio.gather(*(part.end(signal.SIGTERM) for part in self.parts.values()))

    def _words(self, name: str) -> tuple[str, ...]:
        if name == "broker":
            control = f"ipc://{self._place.home}/pod/control"
            return ("broker", "--bus", self.bus, "--control", control)
        return (
            "agent", "--bus", self.bus, "--formation", str(self.formation), "--role", name,
            "--base-url", f"http://127.0.0.1:{self._place.port}/v1",
        )  # fmt: skip


@asynccontextmanager
async def pod(place: Place) -> AsyncIterator[Pod]:
    """Nothing is started before a mission needs it."""
    made = Pod(place)
    try:
        yield made
    finally:
        await made.down()
