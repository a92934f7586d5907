"""Formation: a named team of agents, the models they run on, and how they work together."""

from collections.abc import Iterable
from itertools import chain
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from hekaton_api import rules
from hekaton_api.blocks import (
    DayBudget,
    Debate,
    Memory,
    Planning,
    Prompts,
    Review,
    Routing,
    Update,
)
from hekaton_api.cel import Cel, Distinct
from hekaton_api.fields import LIST, Hint, Part, Whole
from hekaton_api.hardware import Hardware, Pod
from hekaton_api.meta import ObjectMeta
from hekaton_api.models import ModelSpec
from hekaton_api.problems import Problem
from hekaton_api.roles import Role
from hekaton_api.status import FormationStatus


class FormationSpec(Part):
    """What a formation is made of."""

    replicas: Annotated[Whole, Field(ge=0, le=1000), Hint("replicas", "1")] = 1
    """Node pods of this formation; 0 puts it to rest. Default 1."""
    capacity: Annotated[Whole, Field(ge=1, le=1000), Hint("missions", "1")] = 1
    """Missions at once per replica. Default 1."""
    hardware: Hardware = Field(default_factory=Hardware)
    """What one replica runs on. Default a machine without a GPU."""
    models: Annotated[tuple[ModelSpec, ...], Field(min_length=1, max_length=LIST), Distinct("name")]
    """Models that the roles use, 1 to 64. Required."""
    roles: Annotated[tuple[Role, ...], Field(min_length=1, max_length=LIST), Distinct("name")]
    """Agents of the team, 1 to 64 entries, among them a sapper or worker. Required."""
    routing: Routing = Field(default_factory=Routing)
    """Choice of a model where a role says auto. Default the cheapest that is good enough."""
    debate: Debate = Field(default_factory=Debate)
    """How agents argue. Default one round, all to all."""
    review: Review = Field(default_factory=Review)
    """How work is judged. Default pass at 7 of 10, two loops."""
    planning: Planning = Field(default_factory=Planning)
    """Whether the team plans first. Default it does."""
    memory: Memory = Field(default_factory=Memory)
    """What agents recall. Default all tiers."""
    prompts: Prompts = Field(default_factory=Prompts)
    """Source of prompt templates. Default the shipped ones."""
    update: Update = Field(default_factory=Update)
    """How a new revision takes over. Default DrainAndSwap."""
    revision_history_limit: Annotated[Whole, Field(ge=0, le=50), Hint("revisions", "10")] = 10
    """Old revisions that the history keeps, besides those that still stand, 0 to 50. Default 10."""
    budget: DayBudget = Field(default_factory=DayBudget)
    """What all missions may use in a day. Default no limit."""
    pod: Pod = Field(default_factory=Pod)
    """Changes to the pods. Default none."""
    CEL: ClassVar[tuple[Cel, ...]] = rules.CEL

    def breaches(self) -> Iterable[Problem]:
        roles, models = self.roles, self.models
        return chain(
            rules.unique("models", tuple(model.name for model in models)),
            rules.unique("roles", tuple(role.name for role in roles)),
            rules.known_models(roles, models, self.routing),
            rules.room_for_answers(roles, models),
            rules.complete(roles, self.debate),
            rules.reachable_quorum(roles, self.debate),
            rules.weights_fit(models, self.hardware),
        )


class Formation(Part):
    """A formation as it stands in a file or in the cluster."""

    api_version: Literal["hekaton.dev/v1alpha1"]
    """Group and version: hekaton.dev/v1alpha1. Required."""
    kind: Literal["Formation"]
    """The word Formation. Required."""
    metadata: ObjectMeta
    """Name and labels. Required."""
    spec: FormationSpec
    """What is wanted. Required."""
    status: FormationStatus | None = None
    """What is. Written by the operator only."""
