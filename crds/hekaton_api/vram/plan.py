"""Does a formation fit its hardware: bytes per model, what is left, and what each role can hold.

Pure and exact: the same formation and facts give the same plan, and every sum is of its parts.
"""

from dataclasses import dataclass, replace

from hekaton_api.formation import Formation, FormationSpec
from hekaton_api.hardware import Hardware
from hekaton_api.models import LOCAL, ModelSpec
from hekaton_api.roles import AUTO
from hekaton_api.vram.catalog import Catalog
from hekaton_api.vram.engine import Engine, Refusal, engine, extended
from hekaton_api.vram.sizes import GIB, MIB, shown

HARDWARE = "hardware"
"""Field of a refusal that is about the machine, not about one model."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A model server in the plan of its formation."""

    engine: Engine
    reached: int
    """Longest context, tokens, that every one of its sequences can have: the asked one where the
    formation fits, else what is left to it once the others have what they ask for."""
    possible: int
    """The same if it had all the free memory too, up to what its model was made for."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What one role has to work with."""

    role: str
    model: str
    """Name of the model's entry; auto where the router chooses."""
    context: int
    """Tokens of prompt and answer together; 0 on a model that is refused."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Memory of one replica, bytes over all its GPUs."""

    formation: str
    gpus: int
    profile: str
    capacity: int
    """Memory of all GPUs as the driver reports it."""
    reserve: int
    """Left to the driver and to others."""
    models: tuple[Placed, ...]
    """Models served here, in the formation's order; none that was refused."""
    remote: tuple[str, ...]
    """Models served elsewhere."""
    refusals: tuple[Refusal, ...]
    roles: tuple[Reach, ...]

    @property
    def used(self) -> int:
        """What the model servers take."""
        return sum(each.engine.total for each in self.models) * max(1, self.gpus)

    @property
    def free(self) -> int:
        """What is left; below zero where the formation does not fit."""
        return self.capacity - self.reserve - self.used

    @property
    def fits(self) -> bool:
        """Whether every model can be served, and all of them together."""
        return not self.refusals and (self.free >= 0 or not self.models)

    @property
    def freed(self) -> int:
        """KV bytes that packed KV dtypes save against 16 bits."""
        return sum(each.engine.freed for each in self.models) * max(1, self.gpus)

    @property
    def context(self) -> int:
        """The context that every model served here reaches; 0 where there is none."""
        return min((each.reached for each in self.models), default=0)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Everything that keeps it from being served; empty where it fits."""
        found = tuple(str(each) for each in self.refusals)
        return (*found, self.excess) if self.excess else found

    @property
    def excess(self) -> str:
        """How much memory is lacking, as a sentence; empty where nothing is, or none is known."""
        if not self.models or self.free >= 0 or not self.capacity:
            return ""
        whole = shown(self.capacity - self.reserve)
        return f"{shown(self.used)} are needed and {whole} are there: {shown(-self.free)} too much."

    @property
    def sentence(self) -> str:
        """The verdict, as in the condition VRAMFits."""
        if self.reasons:
            return " ".join(self.reasons)
        if not self.models:
            return "No model is served on the formation's own hardware."
        whole = shown(self.capacity - self.reserve)
        return f"{shown(self.used)} of {whole} are planned; {shown(self.free)} stay free."


def plan(formation: Formation, catalog: Catalog) -> Plan:
    """Plan the memory of one replica."""
    spec, name = formation.spec, formation.metadata.name
    return plan_spec(spec, catalog, name)


def plan_spec(spec: FormationSpec, catalog: Catalog, name: str = "") -> Plan:
    """Plan a formation that has no name yet."""
    gpus = spec.hardware.gpu_count
    asked = [(model, engine(model, catalog, gpus)) for model in spec.models if _local(model)]
    engines = [each for _, each in asked if isinstance(each, Engine)]
    refusals = [fault for _, each in asked if isinstance(each, tuple) for fault in each]
    capacity, reserve = _capacity(spec.hardware, catalog)
    if asked and not capacity:
        reason = f"has no known memory with profile {spec.hardware.profile!r}"
        remedy = "Give the memory in GiB, e.g. memoryGiB: 64."
        refusals.append(Refusal(asked[0][0].name, HARDWARE, reason, remedy))
    room = (capacity - reserve) // max(1, gpus)
    spare = room - sum(each.total for each in engines)
    memory = capacity // gpus if gpus else 0
    placed = tuple(_placed(replace(each, memory=memory), spare, catalog) for each in engines)
    reached = {each.engine.spec.name: each.reached for each in placed}
    return Plan(
        formation=name,
        gpus=gpus,
        profile=spec.hardware.profile,
        capacity=capacity,
        reserve=reserve,
        models=placed,
        remote=tuple(model.name for model in spec.models if not _local(model)),
        refusals=tuple(refusals),
        roles=tuple(_reach(spec, role.name, role.model, reached) for role in spec.roles),
    )


def fits(spec: FormationSpec, catalog: Catalog) -> bool:
    """`plan_spec(...).fits`, without the rest of the plan; a property test holds them equal."""
    gpus = spec.hardware.gpu_count
    capacity, reserve = _capacity(spec.hardware, catalog)
    needed = 0
    for model in spec.models:
        if _local(model):
            one = engine(model, catalog, gpus)
            if not isinstance(one, Engine) or not capacity:
                return False
            needed += one.total
    return not needed or needed * max(1, gpus) <= capacity - reserve


def _local(model: ModelSpec) -> bool:
    return model.engine in LOCAL


def _capacity(hardware: Hardware, catalog: Catalog) -> tuple[int, int]:
    """Memory of all GPUs (of the machine, without any), and what is reserved of it."""
    count = max(1, hardware.gpu_count)
    if hardware.memory_gib is not None:
        each = int(hardware.memory_gib * GIB)
    else:
        machine = catalog.machine(hardware.profile)
        each = machine.memory_mib * MIB if machine else 0
    return count * each, count * min(each, int(hardware.reserve_gib * GIB))


def _placed(one: Engine, free: int, catalog: Catalog) -> Placed:
    """`free` is what is left of a GPU once all engines have what they ask for, or less than zero."""
    asked, room = one.spec.context_length, one.total + free
    low, high = 0, (one.shape.positions or asked) // one.cache.block
    while low < high:
        middle = (low + high + 1) // 2
        if extended(one, middle * one.cache.block, catalog.constants) <= room:
            low = middle
        else:
            high = middle - 1
    possible = low * one.cache.block
    return Placed(one, asked if free >= 0 else min(asked, possible), possible)


def _reach(spec: FormationSpec, role: str, model: str, reached: dict[str, int]) -> Reach:
    contexts = {
        each.name: reached.get(each.name, 0) if _local(each) else each.context_length
        for each in spec.models
    }
    if model == AUTO:
        return Reach(role, model, max(contexts.values()))
    return Reach(role, model, contexts[model])
