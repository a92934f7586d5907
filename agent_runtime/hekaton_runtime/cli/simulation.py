"""Simulated models inside this process, one for each model of the formation."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hekaton_api.formation import FormationSpec
from hekaton_runtime.conductor.naming import Endpoint
from hekaton_runtime.conductor.records import Simulation
from hekaton_runtime.models.simulated.book import Book
from hekaton_runtime.models.simulated.book_yaml import load
from hekaton_runtime.models.simulated.server import serve
from hekaton_runtime.models.simulated.settings import SimulatedModel, SimulatedSettings


@asynccontextmanager
async def simulated(
    simulation: Simulation, spec: FormationSpec
) -> AsyncIterator[dict[str, Endpoint]]:
    """Serve them; yields where each is reached. Raises `BadInput` for a book that cannot be used."""
    book = load(simulation.book) if simulation.book else Book()
    models = {
        model.name: SimulatedModel(model.name, simulation.competence, simulation.latency)
        for model in spec.models
    }
    settings = SimulatedSettings(models=tuple(models.values()), book=book, seed=simulation.seed)
    async with serve(settings) as url:
        yield {name: Endpoint(f"{url}/v1", model.id) for name, model in models.items()}
