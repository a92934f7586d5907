"""A formation's broker and agents inside this process: the local form of a node pod."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

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


@asynccontextmanager
async def staffed(
    spec: FormationSpec, endpoints: Mapping[str, Endpoint], capacity: int = 4
) -> AsyncIterator[str]:
    """Start them; yields the broker's address. `capacity` orders at once for each agent instance."""
    folder = Path(
        tempfile.mkdtemp(prefix="hekaton-")
    )  # short: a socket's path has 107 bytes at most
    address, control = f"ipc://{folder}/bus", f"ipc://{folder}/control"
    stop = asyncio.Event()
    try:
        async with AsyncExitStack() as stack:
            models = {
                model.name: await _open(stack, endpoints[model.name]) for model in spec.models
            }
            broker = await stack.enter_async_context(Broker.bind(address, control, BusSettings()))
            async with asyncio.TaskGroup() as group:
                serving = group.create_task(broker.run(stop))
                for role in spec.roles:
                    agent = agent_of(spec, role, models[model_for(spec, role).name], endpoints)
                    for number in range(1, role.instances + 1):
                        group.create_task(
                            serve_agent(
                                address,
                                agent=role.name,
                                instance=f"{role.name}-{number}",
                                capacity=capacity,
                                answerer=agent,
                                stop=stop,
                            )
                        )
                try:
                    yield address
                finally:
                    stop.set()
                    await serving
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def agent_of(
    spec: FormationSpec, role: Role, model: Model, endpoints: Mapping[str, Endpoint]
) -> Agent:
    """The actor that answers for a role; all its instances share it, since it keeps no state."""
    names = {name: one.model for name, one in endpoints.items()}
    return Agent(seats(spec, names)[role.name].profile, model)


async def _open(stack: AsyncExitStack, endpoint: Endpoint) -> Model:
    model = OpenAIModel(endpoint.base_url, endpoint.key or None)
    stack.push_async_callback(model.close)
    return model
