"""Simulated models: inside this process, one for each model of a formation, or as a server of their own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from hekaton_api.formation import FormationSpec
from hekaton_runtime.conductor.naming import Endpoint
from hekaton_runtime.conductor.records import Simulation
from hekaton_runtime.errors import BadInput
from hekaton_runtime.models.simulated.book import Book
from hekaton_runtime.models.simulated.book_yaml import load
from hekaton_runtime.models.simulated.server import run_forever, serve
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


def serve_simulated(
    models: list[str], books: list[Path], seed: int, latency: float, host: str, port: int
) -> int:
    """Serve until Ctrl-C. `models` are NAME=COMPETENCE."""
    book = Book(
        tuple(entry for path in books for entry in load(book_text(path), str(path)).entries)
    )
    settings = SimulatedSettings(
        models=tuple(_model(text, latency) for text in models), book=book, seed=seed
    )
    asyncio.run(run_forever(settings, host, port))
    return 0


def _model(text: str, latency: float) -> SimulatedModel:
    name, _, share = text.partition("=")
    try:
        return SimulatedModel(name, float(share or 1), latency)
    except ValueError as fault:
        raise BadInput([f"--model: {text!r} is not NAME=COMPETENCE, e.g. small=0.6."]) from fault


def book_text(path: Path) -> str:
    """What an answer book holds; raises `BadInput` where it cannot be read."""
    try:
        return path.read_text("utf-8")
    except OSError as fault:
        why = f"{fault.strerror}. Give the path of an answer book."
    except UnicodeDecodeError:
        why = "is no text in UTF-8. Give the path of an answer book."
    raise BadInput([f"--book: {path}: {why}"])
