"""What a simulated server is made of: models with a stated competence, a book, faults, a seed."""

from dataclasses import dataclass, field

from hekaton_runtime.errors import BadInput
from hekaton_runtime.models.simulated.book import Book
from hekaton_runtime.models.simulated.faults import Faults

PREFIX = "simulated/"


@dataclass(frozen=True, slots=True)
class SimulatedModel:
    """One model on offer."""

    name: str
    """With or without `simulated/`."""
    competence: float = 1.0
    """Share of work (patches) that it gets right, 0 to 1; plans are always valid."""
    seconds: float = 0.0
    """Before the first token."""
    seconds_per_token: float = 0.0
    """For each token of the answer."""

    @property
    def id(self) -> str:
        """The name that requests use."""
        return PREFIX + self.name.removeprefix(PREFIX)

    def faults(self) -> list[str]:
        """Say what is wrong with it."""
        reasons = []
        if not self.name.removeprefix(PREFIX):
            reasons.append("A simulated model has an empty name; give one such as 'small'.")
        if not 0 <= self.competence <= 1:
            reasons.append(f"competence of {self.id!r} is {self.competence!r}; give 0 to 1.")
        if self.seconds < 0 or self.seconds_per_token < 0:
            reasons.append(f"{self.id!r} has a negative latency; give seconds of 0 or more.")
        return reasons


@dataclass(frozen=True, slots=True)
class SimulatedSettings:
    """One server. The same settings give the same answers, after a restart too."""

    models: tuple[SimulatedModel, ...] = (
        SimulatedModel("small", 0.55),
        SimulatedModel("medium", 0.75),
        SimulatedModel("large", 0.9),
    )
    book: Book = Book()
    seed: int = 0
    """Of every draw of competence."""
    faults: Faults = Faults()
    chunk_tokens: int = 4
    """Tokens in one event of a stream."""
    key: str = field(default="", repr=False)
    """Asked of every caller as bearer token; empty: none is."""

    def __post_init__(self) -> None:
        reasons = [reason for model in self.models for reason in model.faults()]
        ids = [model.id for model in self.models]
        if not ids:
            reasons.append("models is empty; give at least one.")
        if doubles := sorted({name for name in ids if ids.count(name) > 1}):
            reasons.append(f"models holds {', '.join(doubles)} more than once; keep one of each.")
        if self.chunk_tokens < 1:
            reasons.append(f"chunk_tokens is {self.chunk_tokens!r}; give 1 or more.")
        if reasons:
            raise BadInput(reasons)

    def model(self, name: str) -> SimulatedModel | None:
        """Find a model by the name that a request uses."""
        return next((model for model in self.models if model.id == name), None)
