"""What the operator reports about formations and missions; users read it and never write it."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from hekaton_api.cel import Distinct
from hekaton_api.fields import (
    LIST,
    Cost,
    Count,
    GiB,
    Line,
    Name,
    Part,
    Prose,
    Real,
    Text,
    Time,
    Whole,
)
from hekaton_api.nul import NoNul

Phase: TypeAlias = Literal[
    "pending",
    "discover",
    "debate",
    "scaffold",
    "architect",
    "build",
    "verify",
    "audit",
    "report",
    "done",
]
Seen: TypeAlias = Annotated[Whole, Field(ge=-1, le=1_000_000_000)]
Score: TypeAlias = Annotated[Real, Field(ge=0, le=10)]


class Condition(Part):
    """One aspect of an object's state, as kubectl wait reads it."""

    status: Literal["True", "False", "Unknown"]
    """Whether the aspect holds. Required."""
    reason: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=128)]
    """One CamelCase word for programs. Required."""
    message: Prose = ""
    """One sentence for people. Default empty."""
    observed_generation: Count | None = None
    """Generation of the object that this speaks of."""
    last_transition_time: Time
    """When status changed last, RFC 3339. Required."""


class FormationCondition(Condition):
    """A condition of a formation."""

    type: Literal[
        "Ready", "Reconciling", "Stalled", "Serving", "VRAMFits", "SwapInProgress", "Drained"
    ]
    """The aspect. Required."""


class MissionCondition(Condition):
    """A condition of a mission."""

    type: Literal["Admitted", "Running", "Succeeded", "Failed", "Cancelled", "BudgetExhausted"]
    """The aspect. Required."""


class ModelMemory(Part):
    """GPU memory planned for one model."""

    name: Name
    """Name of the model. Required."""
    weights_gib: GiB
    """Weights, GiB. Required."""
    kv_gib: GiB
    """KV cache, GiB. Required."""
    overhead_gib: GiB
    """Activations, graphs and the engine itself, GiB. Required."""
    context_reached: Count
    """Context that fits for every sequence, tokens. Required."""


class VramPlan(Part):
    """GPU memory planned for one replica."""

    models: Annotated[tuple[ModelMemory, ...], Field(max_length=LIST), Distinct("name")] = ()
    """One entry per model served here, at most 64. Default none."""
    total_gib: GiB
    """Memory of all GPUs, GiB. Required."""
    free_gib: GiB
    """What is left, GiB. Required."""
    freed_by_turboquant_gib: GiB = 0.0
    """KV cache saved against 16-bit storage, GiB. Default 0."""


class Revisions(Part):
    """Snapshots of the spec that are in use."""

    current: Name | None = None
    """Revision that takes missions."""
    updating: Name | None = None
    """Revision that is being brought up; absent when none is."""


class FormationStatus(Part):
    """State of a formation."""

    observed_generation: Seen | None = None
    """Generation that this status speaks of; -1 before the operator has looked at any."""
    replicas: Count = 0
    """Pods that exist. Default 0."""
    ready: Count = 0
    """Pods that take missions. Default 0."""
    selector: Annotated[str, Field(max_length=1024), NoNul()] | None = None
    """Label selector of the pods, for the scale subresource."""
    active_missions: Count = 0
    """Missions that run now. Default 0."""
    queue: Count = 0
    """Missions that wait. Default 0."""
    vram_plan: VramPlan | None = None
    """GPU memory per model."""
    revisions: Revisions = Field(default_factory=Revisions)
    """Revisions in use. Default none."""
    conditions: Annotated[
        tuple[FormationCondition, ...], Field(max_length=16), Distinct("type")
    ] = ()
    """Conditions, at most 16. Default none."""


class Tasks(Part):
    """Progress of the plan."""

    done: Count = 0
    """Tasks that are merged. Default 0."""
    total: Count = 0
    """Tasks of the plan. Default 0."""


class Scores(Part):
    """The auditor's scores, each 0 to 10."""

    correctness: Score
    """Correctness, 0 to 10. Required."""
    style: Score
    """Style, 0 to 10. Required."""
    security: Score
    """Security, 0 to 10. Required."""
    test_coverage: Score
    """Test coverage, 0 to 10. Required."""
    weighted: Score
    """Sum under the rubric's weights, 0 to 10. Required."""


class Account(Part):
    """Tokens and money."""

    tokens: Annotated[int, Field(strict=True, ge=0, le=1_000_000_000_000)] = 0
    """Tokens. Default 0."""
    usd: Cost = Field(default=0, validate_default=True)
    """US dollars. Default 0."""


class Delivered(Part):
    """Where the result is."""

    branch: Text | None = None
    """Branch that holds it."""
    commit: Annotated[str, Field(pattern=r"^[0-9a-f]{7,64}$", max_length=64)] | None = None
    """Commit that holds it."""
    location: Line | None = None
    """Repository or volume path."""


class MissionStatus(Part):
    """State of a mission."""

    observed_generation: Seen | None = None
    """Generation that this status speaks of; -1 before the operator has looked at any."""
    phase: Phase = "pending"
    """What the team does now. Default pending."""
    round: Count = 0
    """Round of the debate. Default 0."""
    wave: Count = 0
    """Wave of building. Default 0."""
    queue_position: Count | None = None
    """Missions ahead in the queue; absent once admitted."""
    attempt: Count = 0
    """Fresh starts after a failure. Default 0."""
    tasks: Tasks = Field(default_factory=Tasks)
    """Progress of the plan. Default none done of none."""
    scores: Scores | None = None
    """The newest review."""
    spent: Account = Field(default_factory=Account)
    """What was used. Default nothing."""
    reserved: Account = Field(default_factory=Account)
    """What calls in flight may still use. Default nothing."""
    saved_usd: Cost = Field(default=0, validate_default=True)
    """Saved against sending everything to the API, US dollars. Default 0."""
    formation_revision: Name | None = None
    """Revision of the formation that works on it."""
    artifact: Delivered | None = None
    """Where the result is."""
    sitrep: Prose | None = None
    """Summary of the closing report, at most 4096 characters."""
    start_time: Time | None = None
    """When work began, RFC 3339."""
    completion_time: Time | None = None
    """When work ended, RFC 3339."""
    conditions: Annotated[tuple[MissionCondition, ...], Field(max_length=16), Distinct("type")] = ()
    """Conditions, at most 16. Default none."""
