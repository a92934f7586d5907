"""A formation's broker and agents inside this process: the local form of a node pod."""

import asyncio
import logging
import shutil
import tempfile
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from hekaton_api.formation import FormationSpec
from hekaton_api.roles import Role
from hekaton_runtime.agents.actor import Agent
from hekaton_runtime.bus.broker import Broker
from hekaton_runtime.bus.peer import serve_agent
from hekaton_runtime.bus.settings import BusSettings
from hekaton_runtime.conductor.assigning import model_for, seats
from hekaton_runtime.conductor.naming import Endpoint
from hekaton_runtime.models.openai import OpenAIModel
from hekaton_runtime.models.protocol import Model

log = logging.getLogger(__name__)


@asynccontextmanager
async def staffed(
    spec: FormationSpec, endpoints: Mapping[str, Endpoint], capacity: int = 4
) -> AsyncIterator[str]:
    """Start them; yields the broker's address. `capacity` orders at once for each agent instance."""
    # A short folder: a socket's path has 107 bytes at most.
    folder = Path(tempfile.mkdtemp(prefix="hekaton-"))
    stop = asyncio.Event()
    try:
        async with AsyncExitStack() as stack:
            opened = {
                model.name: await _open(stack, endpoints[model.name]) for model in spec.models
            }
            bound = Broker.bind(f"ipc://{folder}/bus", f"ipc://{folder}/control", BusSettings())
            broker = await stack.enter_async_context(bound)
            crew = [broker.run(stop)]
            for role in spec.roles:
                agent = agent_of(spec, role, opened[model_for(spec, role).name], endpoints)
                crew += _instances(broker.address, role, agent, capacity, stop)
            tasks = [asyncio.create_task(one) for one in crew]
            try:
                yield broker.address
            finally:
                stop.set()
                await _end(tasks)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _instances(
    address: str, role: Role, agent: Agent, capacity: int, stop: asyncio.Event
) -> list[Coroutine[Any, Any, None]]:
    return [
        serve_agent(
            address,
            agent=role.name,
            instance=f"{role.name}-{number}",
            capacity=capacity,
            answerer=agent,
            stop=stop,
        )
        for number in range(1, role.instances + 1)
    ]


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    """A crew member that failed was missed on the bus already; here it only gets its line in the log."""
    for ended in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(ended, Exception):
            log.error("a part of the local formation failed: %s", ended)


def agent_of(
    spec: FormationSpec, role: Role, model: Model, endpoints: Mapping[str, Endpoint]
) -> Agent:
    """The actor that answers for a role; all its instances share it, since it keeps no state."""
    names = {name: one.model for name, one in endpoints.items()}
    return Agent(seats(spec, names)[role.name].profile, model, model_for(spec, role).name)


async def _open(stack: AsyncExitStack, endpoint: Endpoint) -> Model:
    model = OpenAIModel(endpoint.base_url, endpoint.key or None)
    stack.push_async_callback(model.close)
    return model
