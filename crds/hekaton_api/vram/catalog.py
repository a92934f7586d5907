"""What is known about each model of a formation: from the facts, or from files a user points at.

Pure: the caller reads the files.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hekaton_api.models import ModelSpec
from hekaton_api.vram.config import Read, read_config
from hekaton_api.vram.facts import (
    Checkpoint,
    Machine,
    ShapeFact,
    checkpoints,
    constants,
    kv_dtypes,
    machines,
    packings,
    shapes,
)
from hekaton_api.vram.overhead import Constants
from hekaton_api.vram.shape import Shape
from hekaton_api.vram.storage import KvDtype
from hekaton_api.vram.weights import Packing


@dataclass(frozen=True, slots=True)
class Known:
    """One model's architecture and the format its weights have on disk."""

    shape: Shape
    format: str


@dataclass(frozen=True, slots=True)
class Catalog:
    """Everything the planner looks up."""

    shapes: tuple[ShapeFact, ...]
    checkpoints: tuple[Checkpoint, ...]
    packings: tuple[Packing, ...]
    dtypes: tuple[KvDtype, ...]
    """The widest first."""
    aliases: Mapping[str, str]
    """Other spellings of KV dtypes."""
    machines: tuple[Machine, ...]
    constants: Constants
    given: Mapping[str, Read] = field(default_factory=dict)
    """What users' configurations say, by the entry's name or the model's; it wins."""

    def known(self, spec: ModelSpec) -> Known | None:
        """What is known about an entry's weights; None when nothing is. Raises `Unplannable`."""
        given = self.given.get(spec.name) or self.given.get(spec.model or "")
        if given is None and spec.config is not None:
            given = read_config(spec.config, "config.json")
        if given is not None:
            return Known(given.shape, given.format)
        found = next((each for each in self.checkpoints if each.model == spec.model), None)
        if found is None:
            return None
        return Known(self.shape(found.shape).shape, found.format)

    def shape(self, name: str) -> ShapeFact:
        """A known architecture; a test holds that every checkpoint names one."""
        return next(each for each in self.shapes if each.shape.name == name)

    def packing(self, name: str) -> Packing | None:
        """A weight format."""
        return next((each for each in self.packings if each.name == name), None)

    def dtype(self, name: str) -> KvDtype | None:
        """A KV dtype, under any of its names."""
        meant = self.aliases.get(name, name)
        return next((each for each in self.dtypes if each.name == meant), None)

    def machine(self, profile: str) -> Machine | None:
        """A hardware profile with known memory."""
        return next((each for each in self.machines if each.profile == profile), None)


def shipped(given: Mapping[str, Read] | None = None) -> Catalog:
    """The catalog that comes along, with what a user's configurations add."""
    kv = kv_dtypes()
    return Catalog(
        shapes=shapes(),
        checkpoints=checkpoints(),
        packings=tuple(each.packing for each in packings()),
        dtypes=tuple(each.dtype for each in kv),
        aliases={alias: each.dtype.name for each in kv for alias in each.aliases},
        machines=machines(),
        constants=constants(),
        given=given or {},
    )
