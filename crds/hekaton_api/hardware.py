"""What a formation runs on: accelerators, their memory, and changes to its pods."""

from collections.abc import Iterable
from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import Field

from hekaton_api.cel import Cel
from hekaton_api.fields import LIST, GiB, Hint, Line, Part, Text, Whole
from hekaton_api.meta import Labels
from hekaton_api.nul import NoNul
from hekaton_api.problems import Problem

SUBDOMAIN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
Profile: TypeAlias = Literal["gh200-96", "gh200-144", "h200-141", "cpu", "custom"]


class Hardware(Part):
    """Accelerators of one replica."""

    profile: Profile = "cpu"
    """Kind of machine; the figure is memory per GPU. Default cpu."""
    gpus: Annotated[Whole, Field(ge=0, le=64), Hint("GPUs", "1")] | None = None
    """GPUs per replica. Absent means 1, or 0 for profile cpu."""
    memory_gib: GiB | None = None
    """Memory per GPU, GiB; required for profile custom. Absent means the profile's own."""
    reserve_gib: GiB = 2.0
    """Memory per GPU left to the driver and other programs, GiB. Default 2."""
    device_class: Annotated[str, Field(pattern=SUBDOMAIN, max_length=253)] | None = None
    """DeviceClass, e.g. gpu.nvidia.com: each model gets a container of its own and all share one claim
    on the GPUs (DRA). Absent means one container for all models, with nvidia.com/gpu."""
    CEL: ClassVar[tuple[Cel, ...]] = (
        Cel(
            "self.profile != 'cpu' || !has(self.gpus) || self.gpus == 0",
            "is not 0, though the profile is cpu. Remove gpus, or choose a GPU profile.",
            at=".gpus",
        ),
        Cel(
            "self.profile == 'cpu' || !has(self.gpus) || self.gpus > 0",
            "is 0, and this profile needs a GPU. Give at least 1, or use profile: cpu.",
            at=".gpus",
        ),
        Cel(
            "self.profile != 'custom' || has(self.memoryGiB)",
            "is missing, and custom needs it. Give the memory of one GPU in GiB, "
            "e.g. memoryGiB: 80.",
            at=".memoryGiB",
        ),
        Cel(
            "!has(self.memoryGiB) || self.reserveGiB < self.memoryGiB",
            "leaves no memory for models. Reserve less than memoryGiB.",
            at=".reserveGiB",
        ),
        Cel(
            "self.profile != 'cpu' || !has(self.deviceClass)",
            "means nothing to profile cpu. Remove deviceClass, or choose a GPU profile.",
            at=".deviceClass",
        ),
    )

    @property
    def gpu_count(self) -> int:
        """GPUs per replica, with the profile's default filled in."""
        if self.gpus is not None:
            return self.gpus
        return 0 if self.profile == "cpu" else 1

    def breaches(self) -> Iterable[Problem]:
        if self.profile == "cpu" and self.gpu_count:
            remedy = "Remove gpus, or choose a GPU profile."
            yield Problem(("gpus",), "is not 0, though the profile is cpu", remedy)
        if self.profile != "cpu" and not self.gpu_count:
            remedy = "Give at least 1, or use profile: cpu."
            yield Problem(("gpus",), f"is 0, and {self.profile} needs a GPU", remedy)
        if self.profile == "custom" and self.memory_gib is None:
            remedy = "Give the memory of one GPU in GiB, e.g. memoryGiB: 80."
            yield Problem(("memoryGiB",), "is missing, and custom needs it", remedy)
        if self.memory_gib is not None and self.reserve_gib >= self.memory_gib:
            remedy = f"Reserve less than memoryGiB, which is {self.memory_gib:g}."
            yield Problem(("reserveGiB",), "leaves no memory for models", remedy)
        if self.profile == "cpu" and self.device_class is not None:
            remedy = "Remove deviceClass, or choose a GPU profile."
            yield Problem(("deviceClass",), "means nothing to profile cpu", remedy)


class Toleration(Part):
    """A node taint that the pods accept, as in Kubernetes."""

    key: Text | None = None
    """Taint key; absent with operator Exists means every key."""
    operator: Literal["Exists", "Equal"] = "Equal"
    """How the key is compared. Default Equal."""
    value: Annotated[str, Field(max_length=63), NoNul()] | None = None
    """Taint value, for operator Equal."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """Taint effect; absent means all."""
    toleration_seconds: Annotated[Whole, Field(ge=0, le=31_622_400)] | None = None
    """Seconds to stay after a NoExecute taint; absent means for ever."""


class Images(Part):
    """Container images of the pods."""

    engines: Line | None = None
    """Image of the model servers. Absent means the operator's default."""
    runtime: Line | None = None
    """Image of router, broker, agents and conductor. Absent means the operator's default."""
    workspace: Line | None = None
    """Image in which a mission's commands run. Absent means the operator's default."""


class Pod(Part):
    """Changes to the formation's pods."""

    node_selector: Labels = Field(default_factory=dict)
    """Labels a node must have, at most 64. Default none."""
    tolerations: Annotated[tuple[Toleration, ...], Field(max_length=LIST)] = ()
    """Taints the pods accept, at most 64. Default none."""
    priority_class: Text | None = None
    """Name of a PriorityClass. Absent means the cluster's default."""
    images: Images = Field(default_factory=Images)
    """Container images. Default the operator's."""
