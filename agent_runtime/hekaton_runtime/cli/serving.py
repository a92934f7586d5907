"""`broker`, `agent`, `simulate` and `keys`: the parts of `run` as processes of their own."""

import asyncio
import os
import signal
from dataclasses import dataclass
from pathlib import Path

from hekaton_runtime.bus.broker import Broker
from hekaton_runtime.bus.curve import generate, load, load_admitted, load_public, save
from hekaton_runtime.bus.keys import BrokerKeys, PeerKeys
from hekaton_runtime.bus.peer import serve_agent
from hekaton_runtime.bus.settings import BusSettings
from hekaton_runtime.cli.documents import formation_named
from hekaton_runtime.cli.preflight import preflight
from hekaton_runtime.conductor.assigning import model_for
from hekaton_runtime.conductor.naming import Override, endpoints
from hekaton_runtime.conductor.staff import agent_of
from hekaton_runtime.errors import BadInput
from hekaton_runtime.models.openai import OpenAIModel
from hekaton_runtime.settings import from_environ

BROKER = "broker"  # the broker's own key in a key folder


@dataclass(frozen=True, slots=True)
class Seating:
    """The command line of `agent`."""

    bus: str
    formation: str
    role: str
    instance: str
    base_url: str
    model: str
    keys: Path | None
    capacity: int


def peer_keys(name: str, folder: Path | None) -> PeerKeys | None:
    """This process's own pair and the broker's public key, from a key folder."""
    return PeerKeys(load(name, folder), load_public(BROKER, folder)) if folder else None


def make_keys(folder: Path, names: list[str]) -> int:
    """One pair a name, and the broker's if it has none yet."""
    wanted = [*names] if (folder / f"{BROKER}.key").exists() else [BROKER, *names]
    for name in wanted:
        save(generate(name), folder)
        print(f"{folder / name}.key  {folder / name}.pub")
    return 0


def serve_broker(bus: str, control: str, keys: Path | None) -> int:
    """Until SIGTERM or Ctrl-C. Who may connect is every NAME.pub in the key folder."""
    secured = BrokerKeys(load(BROKER, keys), load_admitted(keys)) if keys else None
    return asyncio.run(_broker(bus, control, secured))


async def _broker(bus: str, control: str, keys: BrokerKeys | None) -> int:
    async with Broker.bind(bus, control, BusSettings(), keys) as broker:
        print(f"broker: {broker.address}", flush=True)
        await broker.run(stopping())
    return 0


def serve_seat(seating: Seating) -> int:
    """One agent of a formation's role entry, until SIGTERM or Ctrl-C."""
    return asyncio.run(_seat(seating))


async def _seat(seating: Seating) -> int:
    spec = formation_named(seating.formation).spec
    roles = [role for role in spec.roles if role.name == seating.role]
    if not roles:
        known = ", ".join(role.name for role in spec.roles)
        raise BadInput(
            [
                f"--role: {seating.role!r} is no role of formation {seating.formation!r}. Known: {known}."
            ]
        )
    settings = from_environ()
    override = Override(seating.base_url, seating.model, settings.key)
    models = endpoints(spec, override, os.environ)
    mine = models[model_for(spec, roles[0]).name]
    await preflight({mine.model: mine})
    model = OpenAIModel(mine.base_url, mine.key or None)
    instance = seating.instance or f"{seating.role}-{os.getpid()}"
    print(f"agent: {instance} for {seating.role} at {seating.bus}", flush=True)
    try:
        await serve_agent(
            seating.bus,
            agent=seating.role,
            instance=instance,
            capacity=seating.capacity,
            answerer=agent_of(spec, roles[0], model, models),
            keys=peer_keys(seating.role, seating.keys),
            stop=stopping(),
        )
    finally:
        await model.close()
    return 0


def stopping() -> asyncio.Event:
    """Set by SIGTERM and Ctrl-C."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop
