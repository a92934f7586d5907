"""The roles of a formation: what each agent is for, on which model, and how many there are."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from hekaton_api.fields import Hint, Name, Part, Real, Whole

RoleKind: TypeAlias = Literal[
    "researcher",
    "reasoner",
    "architect",
    "sapper",
    "auditor",
    "analyst",
    "worker",
    "executor",
    "consolidator",
]
Tier: TypeAlias = Literal["small", "medium", "large"]

BUILDERS: tuple[RoleKind, ...] = ("sapper", "worker")
"""Who writes files."""
DEBATERS: tuple[RoleKind, ...] = ("researcher", "reasoner", "architect")
"""Who argues about the approach before anything is built."""
AUTO = "auto"
"""A role's model when the router is to choose."""


class Role(Part):
    """One agent of the formation, or several equal ones."""

    name: Name
    """Name of the agent, unique in the formation. Required."""
    role: RoleKind
    """What the agent is for. Required."""
    tier: Tier = "medium"
    """Size of the model that its prompts are written for. Default medium."""
    model: Name = AUTO
    """Name of an entry of models, or auto to let the router choose. Default auto."""
    instances: Annotated[Whole, Field(ge=1, le=64), Hint("instances", "1")] = 1
    """Equal agents under this name. Default 1."""
    temperature: Annotated[Real, Field(ge=0, le=2), Hint(example="0.2")] = 0.2
    """Sampling temperature, 0 to 2. Default 0.2."""
    max_tokens: Annotated[Whole, Field(ge=1, le=1_048_576), Hint("tokens", "4096")] = 4096
    """Longest answer, tokens. Default 4096."""
