"""The figures the planner starts from: `facts/*.json`, each with its source. The only door to them.

Values are checked when they are read; nothing is read at import. The values are not kept: `catalog.shipped` is called once a command.
"""

from importlib.resources import files
from typing import TypeVar

from pydantic import TypeAdapter

from hekaton_api.fields import Part
from hekaton_api.hardware import Profile
from hekaton_api.vram.overhead import Constants
from hekaton_api.vram.shape import Shape
from hekaton_api.vram.storage import KvDtype
from hekaton_api.vram.weights import Packing

T = TypeVar("T")


class Sourced(Part):
    """A fact with its origin."""

    source: str
    """Where the figures are from, or why they are assumed. Required."""


class ShapeFact(Sourced):
    """An architecture."""

    family: str
    """Models of one maker that can stand in for each other. Required."""
    parameters: int
    """Parameters as published; a test holds the computed number equal. Required."""
    shape: Shape
    """The figures of its config.json. Required."""


class Checkpoint(Sourced):
    """Weights that can be loaded."""

    model: str
    """Repository on the Hugging Face hub. Required."""
    shape: str
    """Name of its architecture. Required."""
    format: str
    """Format of its weights. Required."""


class PackingFact(Sourced):
    """A weight format."""

    packing: Packing
    """Bits and group. Required."""


class KvFact(Sourced):
    """A KV dtype."""

    dtype: KvDtype
    """Its layout. Required."""
    aliases: tuple[str, ...] = ()
    """Other names of it. Default none."""


class Machine(Sourced):
    """A hardware profile."""

    profile: Profile
    """Its name in a formation. Required."""
    memory_mib: int
    """Memory that the driver reports, MiB. Required."""
    bandwidth_gbs: int
    """Memory bandwidth as published, GB/s; none of the sizes depends on it. Required."""


class ConstantsFact(Sourced):
    """The estimates of an engine's overhead."""

    constants: Constants
    """The estimates. Required."""


class Published(Sourced):
    """One row of the formations that hekaton-core describes; its authors' figures."""

    formation: str
    """Name. Required."""
    local: int
    """Models on the GPU. Required."""
    api: int
    """Models behind an API. Required."""
    memory_gb: int
    """Memory, GB. Required."""
    context: int
    """Context, tokens. Required."""


def shapes() -> tuple[ShapeFact, ...]:
    """Known architectures."""
    return _read("shapes", ShapeFact)


def checkpoints() -> tuple[Checkpoint, ...]:
    """Known weights."""
    return _read("checkpoints", Checkpoint)


def packings() -> tuple[PackingFact, ...]:
    """Weight formats."""
    return _read("formats", PackingFact)


def kv_dtypes() -> tuple[KvFact, ...]:
    """KV dtypes, the widest first."""
    return _read("kv", KvFact)


def machines() -> tuple[Machine, ...]:
    """Hardware profiles, the smallest first."""
    return _read("hardware", Machine)


def constants() -> Constants:
    """The estimates of an engine's overhead."""
    (only,) = _read("overhead", ConstantsFact)
    return only.constants


def published() -> tuple[Published, ...]:
    """The formations of hekaton-core, as described by its authors."""
    return _read("published", Published)


def _read(name: str, kind: type[T]) -> tuple[T, ...]:
    text = (files("hekaton_api") / "facts" / f"{name}.json").read_text("utf-8")
    return tuple(TypeAdapter(list[kind]).validate_json(text))  # type: ignore[valid-type]
