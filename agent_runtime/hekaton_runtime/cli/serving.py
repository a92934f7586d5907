"""`broker`, `agent` and `keys`: the parts of `run` as processes of their own."""

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from hekaton_api.formation import FormationSpec
from hekaton_api.roles import Role
from hekaton_runtime.bus.broker import Broker
from hekaton_runtime.bus.complaints import CAUSES
from hekaton_runtime.bus.curve import generate, load, load_admitted, load_public, refuse_names, save
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
from hekaton_runtime.web.health import health
from hekaton_runtime.web.metrics import Registry

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
    instances: int = 1
    health_port: int | None = None


@dataclass(frozen=True, slots=True)
class Brokering:
    """The command line of `broker`."""

    bus: tuple[str, ...]
    control: str
    keys: Path | None
    formation: str = ""
    """Whose agents must be there before it calls itself ready; empty: nobody's."""
    health_port: int | None = None


def peer_keys(name: str, folder: Path | None) -> PeerKeys | None:
    """This process's own pair and the broker's public key, from a key folder."""
    return PeerKeys(load(name, folder), load_public(BROKER, folder)) if folder else None


def make_keys(folder: Path, names: list[str]) -> int:
    """One pair a name, and the broker's if it has none yet."""
    own = () if (folder / f"{BROKER}.key").exists() else (BROKER,)
    wanted = tuple(dict.fromkeys((*own, *names)))
    refuse_names(wanted, folder)
    for name in wanted:
        save(generate(name), folder)
        print(f"{folder / name}.key  {folder / name}.pub")
    return 0


def serve_broker(wanted: Brokering) -> int:
    """Until SIGTERM or Ctrl-C. Who may connect is every NAME.pub in the key folder."""
    keys = wanted.keys
    secured = BrokerKeys(load(BROKER, keys), load_admitted(keys)) if keys else None
    spec = formation_named(wanted.formation).spec if wanted.formation else None
    roles = tuple(role.name for role in spec.roles) if spec else ()
    return asyncio.run(_broker(wanted, secured, roles))


async def _broker(wanted: Brokering, keys: BrokerKeys | None, roles: tuple[str, ...]) -> int:
    first, *also = wanted.bus
    bound = Broker.bind(first, wanted.control, BusSettings(), keys, tuple(also))
    async with bound as broker:

        async def why_not() -> tuple[str, ...]:
            there = broker.registered()
            return tuple(f"no agent {role!r} is registered" for role in roles if role not in there)

        registry = Registry()
        registry.gauge(
            "hekaton_bus_agents", "Agents with a live instance.", ("agent",),
            lambda: {(name,): 1.0 for name in broker.registered()},
        )  # fmt: skip
        registry.gauge(
            "hekaton_bus_turned_away", "Frames and peers turned away since the start.", ("cause",),
            lambda: {(cause,): float(broker.complaints(cause)) for cause in CAUSES},
        )  # fmt: skip
        async with health(wanted.health_port, why_not, registry) as url:
            print(f"broker: {' '.join(broker.addresses)}", flush=True)
            announce_health(url)
            await broker.run(stopping())
    return 0


def serve_seat(seating: Seating) -> int:
    """The instances of a formation's role entry, until SIGTERM or Ctrl-C."""
    return asyncio.run(_seat(seating))


async def _seat(seating: Seating) -> int:
    spec = formation_named(seating.formation).spec
    role = _role(spec, seating)
    settings = from_environ()
    override = Override(seating.base_url, seating.model, settings.key)
    models = endpoints(spec, override, os.environ)
    mine = models[model_for(spec, role).name]
    if seating.health_port is None:  # a person waits; in a pod readiness tells, and nobody does
        await preflight({mine.model: mine})
    async with AsyncExitStack() as stack:
        model = OpenAIModel(mine.base_url, mine.key or None)
        stack.push_async_callback(model.close)
        crew = _Crew(seating)
        url = await stack.enter_async_context(
            health(seating.health_port, crew.why_not, crew.registry)
        )
        print(f"agent: {', '.join(crew.names)} for {seating.role} at {seating.bus}", flush=True)
        announce_health(url)
        stop, keys = stopping(), peer_keys(seating.role, seating.keys)
        answerer = agent_of(spec, role, model, models)
        await _together(
            [
                serve_agent(
                    seating.bus,
                    agent=seating.role,
                    instance=name,
                    capacity=seating.capacity,
                    answerer=answerer,
                    keys=keys,
                    stop=stop,
                    joined=crew.joined(name),
                )  # fmt: skip
                for name in crew.names
            ]
        )
    return 0


async def _together(jobs: list[Coroutine[None, None, None]]) -> None:
    """All to their ends; the first failure ends the rest and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            for job in jobs:
                group.create_task(job)
    except BaseExceptionGroup as faults:
        raise faults.exceptions[0] from None


class _Crew:
    """The instances of one process, and which of them are on the broker's list."""

    def __init__(self, seating: Seating) -> None:
        base = seating.instance or f"{seating.role}-{os.getpid()}"
        many = range(1, seating.instances + 1)
        self.names = (base,) if seating.instances == 1 else tuple(f"{base}-{i}" for i in many)
        self.registry = Registry()
        self._bus = seating.bus
        self._there = dict.fromkeys(self.names, False)
        self.registry.gauge(
            "hekaton_agent_registered", "Whether an instance is on the broker's list.", ("instance",),
            lambda: {(name,): float(there) for name, there in self._there.items()},
        )  # fmt: skip

    def joined(self, name: str) -> Callable[[bool], None]:
        """Takes what the bus says about one instance."""
        return partial(self._there.__setitem__, name)

    async def why_not(self) -> tuple[str, ...]:
        away = [name for name, there in self._there.items() if not there]
        return tuple(f"{name!r} is not registered at {self._bus}" for name in away)


def _role(spec: FormationSpec, seating: Seating) -> Role:
    for role in spec.roles:
        if role.name == seating.role:
            return role
    known = ", ".join(role.name for role in spec.roles)
    raise BadInput(
        [f"--role: {seating.role!r} is no role of formation {seating.formation!r}. Known: {known}."]
    )


def announce_health(url: str) -> None:
    if url:
        print(f"health: {url}", flush=True)


def stopping() -> asyncio.Event:
    """Set by SIGTERM and Ctrl-C."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop
