"""Other weights for one entry of a formation: lighter, of the same family, the nearest first. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from hekaton_api.formation import FormationSpec
from hekaton_api.models import LOCAL, ModelSpec
from hekaton_api.vram.catalog import Catalog
from hekaton_api.vram.engine import Engine, engine

LINE = "coder"
"""What the names of models made for code have in common."""


@dataclass(frozen=True, slots=True)
class Swap:
    """A formation with other weights in one entry's place."""

    model: str
    size: int
    """Bytes of these weights on each GPU."""
    spec: FormationSpec


def local(spec: FormationSpec) -> Iterator[tuple[int, ModelSpec]]:
    """The entries served here, with their places in the list."""
    return ((i, each) for i, each in enumerate(spec.models) if each.engine in LOCAL)


def changed(spec: FormationSpec, at: int, **change: object) -> FormationSpec:
    """The formation with one entry changed."""
    models = list(spec.models)
    models[at] = models[at].model_copy(update=change)
    return spec.model_copy(update={"models": tuple(models)})


def weights(model: ModelSpec, spec: FormationSpec, catalog: Catalog) -> int:
    """Bytes of an entry's weights on each GPU; 0 if it is refused."""
    found = engine(model, catalog, spec.hardware.gpu_count)
    return found.weights if isinstance(found, Engine) else 0


def lighter(spec: FormationSpec, at: int, catalog: Catalog) -> list[Swap]:
    """Every lighter checkpoint: first other formats of the same architecture, then smaller ones; of
    each first those of the same line (for code or not), then the largest."""
    entry = spec.models[at]
    own = next((each for each in catalog.checkpoints if each.model == entry.model), None)
    if own is None:
        return []
    fact, was = catalog.shape(own.shape), weights(entry, spec, catalog)
    found: list[tuple[tuple[bool, bool, int, str], Swap]] = []
    for other in catalog.checkpoints:
        shape = catalog.shape(other.shape)
        if shape.family != fact.family or shape.parameters > fact.parameters:
            continue
        new = changed(
            spec, at, model=other.model, quantization="none", weights_gib=None, config=None
        )
        size = weights(new.models[at], spec, catalog)
        if 0 < size < was:
            alike = (LINE in other.model.lower()) == (LINE in own.model.lower())
            rank = (other.shape == own.shape, alike, size, other.model)
            found.append((rank, Swap(other.model, size, new)))
    return [swap for _, swap in sorted(found, key=lambda each: each[0], reverse=True)]
