"""Renders what an agent is told into messages. Pure: the same values give the same bytes.

The conductor renders the same prompt to bound its cost before the call, so nothing here may depend
on anything but the arguments and the templates that ship with the package.
"""

from dataclasses import dataclass
from functools import cache
from typing import get_args

from jinja2 import Environment, PackageLoader, StrictUndefined

from hekaton_runtime.agents.context import UNITS_PER_TOKEN, Cut, Fit, Part, PartName, fit, units
from hekaton_runtime.agents.parts import body, parts_of
from hekaton_runtime.agents.profile import Profile
from hekaton_runtime.answers import AnswerName
from hekaton_runtime.brief import Brief
from hekaton_runtime.errors import BadInput
from hekaton_runtime.models.protocol import Message

FRAMING = 64
"""Tokens left free for the separators that a chat template puts around two messages."""
BRIEF_TEMPLATE = "shared/brief.md.j2"


class ContextTooSmall(BadInput):
    """Not even the goal fits into the model's context beside the answer."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """The messages, and what had to be left out of them."""

    messages: tuple[Message, ...]
    cuts: tuple[Cut, ...]


def render(
    profile: Profile, brief: Brief, answer: AnswerName, max_tokens: int
) -> tuple[Message, ...]:
    """Write the messages for one order; raises `ContextTooSmall`."""
    return compose(profile, brief, answer, max_tokens).messages


def compose(profile: Profile, brief: Brief, answer: AnswerName, max_tokens: int) -> Prompt:
    """Write the messages and tell what was cut to fit the context; raises `ContextTooSmall`."""
    system = system_text(profile, brief, answer, max_tokens)
    parts = tuple(part for part in parts_of(brief) if part.items)
    room = (profile.context_length - max_tokens - FRAMING) * UNITS_PER_TOKEN
    frame = units(system) + units(user_text(brief, empty(parts), counts(parts)))
    fitted = fit(parts, room - frame)
    if not fitted.parts[0].items:
        raise ContextTooSmall([too_small(profile, max_tokens, frame)])
    bodies = {part.name: body(part) for part in fitted.parts if part.items}
    user = user_text(brief, bodies, missing(fitted))
    messages = (Message(role="system", content=system), Message(role="user", content=user))
    return Prompt(messages, fitted.cuts)


def system_text(profile: Profile, brief: Brief, answer: AnswerName, max_tokens: int) -> str:
    """Render who the agent is, its step, the rules and the form of the answer."""
    template = environment().get_template(f"{profile.role}/{profile.tier}.md.j2")
    return template.render(step=brief.step, tier=profile.tier, answer=answer, max_tokens=max_tokens)


def user_text(brief: Brief, bodies: dict[PartName, str], left_out: dict[PartName, int]) -> str:
    """Render the brief from the fenced bodies of its parts."""
    template = environment().get_template(BRIEF_TEMPLATE)
    return template.render(step=brief.step, bodies=bodies, left_out=left_out)


def empty(parts: tuple[Part, ...]) -> dict[PartName, str]:
    return {part.name: "" for part in parts}


def counts(parts: tuple[Part, ...]) -> dict[PartName, int]:
    return {part.name: len(part.items) for part in parts}


def missing(fitted: Fit) -> dict[PartName, int]:
    """Count the items of each part that are absent, in a fixed order."""
    gone = {name: 0 for name in get_args(PartName)}
    for cut in fitted.cuts:
        gone[cut.part] += cut.whole
    return {name: number for name, number in gone.items() if number}


def too_small(profile: Profile, max_tokens: int, frame: int) -> str:
    needed = -(-frame // UNITS_PER_TOKEN) + FRAMING + max_tokens
    return (
        f"The context of {profile.context_length} tokens of model {profile.model!r} (role entry "
        f"{profile.name!r}) cannot hold the goal: rules and answer alone take {needed}. "
        "Lower maxTokens, shorten the goal or choose a model with a longer context."
    )


@cache
def environment() -> Environment:
    """Load templates from the package; made once, on first use, and never changed."""
    return Environment(
        loader=PackageLoader("hekaton_runtime", "prompts"),
        undefined=StrictUndefined,
        autoescape=False,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
