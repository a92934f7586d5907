"""Who is in a formation, and which roles a mode cannot do without. Pure."""

from hekaton_api.formation import FormationSpec
from hekaton_api.mission import Mode
from hekaton_api.models import ModelSpec
from hekaton_api.roles import BUILDERS, DEBATERS, Role, RoleKind

NEEDS: tuple[tuple[Mode, tuple[tuple[RoleKind, ...], ...]], ...] = (
    ("swarm", (BUILDERS, ("auditor",))),
    ("single", (BUILDERS,)),
    ("vote", (BUILDERS,)),
    ("debate", (BUILDERS, DEBATERS)),
    ("flat", (BUILDERS,)),
    ("hierarchical", (BUILDERS, ("analyst",))),
    ("auto", (BUILDERS,)),
)
"""For each mode the groups of roles of which it needs at least one agent each."""


def members(spec: FormationSpec, *kinds: RoleKind) -> tuple[Role, ...]:
    """The roles of these kinds, in the order of the formation."""
    return tuple(role for role in spec.roles if role.role in kinds)


def model_of(spec: FormationSpec, role: Role) -> ModelSpec | None:
    """The model that a role names; None when the router is to choose."""
    return next((model for model in spec.models if model.name == role.model), None)


def lacking(spec: FormationSpec, mode: Mode) -> tuple[tuple[RoleKind, ...], ...]:
    """The groups of roles that a mode needs and this formation has nobody of."""
    needed = dict(NEEDS)[mode]
    return tuple(group for group in needed if not members(spec, *group))
