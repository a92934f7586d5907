"""Who an agent is: the part of a formation's role entry that shapes its prompts and its calls."""

from dataclasses import dataclass

from hekaton_api.roles import RoleKind, Tier


@dataclass(frozen=True, slots=True)
class Profile:
    """One entry of a formation's `roles`, with what is known of its model."""

    name: str
    """The entry's name: the address of its agents on the bus."""
    role: RoleKind
    """What it is for; chooses the folder of its prompt template."""
    tier: Tier
    """The size of model that its template is written for."""
    model: str
    """The model's name as its endpoint knows it."""
    temperature: float
    max_tokens: int
    """The longest answer in tokens; an order may ask for less, never for more."""
    context_length: int
    """Tokens that prompt and answer may have together."""
