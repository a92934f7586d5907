"""What must hold between the roles, models and settings of a formation. Pure.

Each rule takes parsed values and yields every breach of it, each with its field and a remedy. Above
it stands the same rule for the API server; that the names in a list differ is part of its schema.
"""

from collections.abc import Iterator

from hekaton_api.blocks import Debate, Routing
from hekaton_api.cel import Cel, words
from hekaton_api.hardware import Hardware
from hekaton_api.models import LOCAL, ModelSpec
from hekaton_api.problems import Problem
from hekaton_api.roles import AUTO, BUILDERS, DEBATERS, Role, RoleKind
from hekaton_api.words import listed, near

PROMPT_ROOM = 1024
"""Tokens of a model's context that are kept for the prompt, beside the role's longest answer."""

READ = frozenset(
    ("name", "role", "model", "instances", "maxTokens", "contextLength", "engine")
    + ("quorum", "arbiter", "gpus", "profile", "memoryGiB", "reserveGiB", "weightsGiB")
)
"""Fields (as in YAML) that these rules read: with a default in the place of a wrong value of one of
them, a rule could complain about what nobody wrote."""

Roles = tuple[Role, ...]
Models = tuple[ModelSpec, ...]


def unique(field: str, names: tuple[str, ...]) -> Iterator[Problem]:
    """No two entries of a list share a name."""
    for i, name in enumerate(names):
        if name in names[:i]:
            first = names.index(name)
            remedy = f"Rename it; {field}[{first}] has this name already."
            yield Problem((field, i, "name"), "is used twice", remedy)


KNOWN_MODELS = (
    Cel(
        "self.roles.all(role, role.model == 'auto' || "
        "self.models.exists(model, model.name == role.model))",
        "name a model that is not there. Give the name of an entry of models, or auto.",
        at=".roles",
    ),
    Cel(
        "self.routing.fallbacks.all(name, self.models.exists(model, model.name == name))",
        "name a model that is not there. Give names of entries of models.",
        at=".routing.fallbacks",
    ),
)


def known_models(roles: Roles, models: Models, routing: Routing) -> Iterator[Problem]:
    """Every model that is named exists."""
    names = tuple(model.name for model in models)
    used: list[tuple[tuple[str | int, ...], str, str]] = [
        (("roles", i, "model"), role.model, ", or auto")
        for i, role in enumerate(roles)
        if role.model != AUTO
    ]
    used += [(("routing", "fallbacks", i), n, "") for i, n in enumerate(routing.fallbacks)]
    for at, name, more in used:
        if name not in names:
            remedy = f"{near(name, names)}Models of this formation: {listed(names)}{more}."
            yield Problem(at, "is not the name of a model", remedy)


ABLE = "role.model in ['auto', model.name]"
ROOM_FOR_ANSWERS = Cel(
    f"self.roles.all(role, !self.models.exists(model, {ABLE}) || self.models.exists(model, {ABLE} "
    f"&& model.contextLength >= role.maxTokens + {PROMPT_ROOM}))",
    f"have a maxTokens that, with {PROMPT_ROOM} tokens of prompt, does not fit the model's context."
    " Lower maxTokens, or raise the model's contextLength.",
    at=".roles",
)


def room_for_answers(roles: Roles, models: Models) -> Iterator[Problem]:
    """A role's longest answer and a prompt fit its model's context; for auto, some model's."""
    for i, role in enumerate(roles):
        able = [model for model in models if role.model in (AUTO, model.name)]
        need = role.max_tokens + PROMPT_ROOM
        if able and all(model.context_length < need for model in able):
            best = max(able, key=lambda model: model.context_length)
            remedy = (
                f"Give at most {best.context_length - PROMPT_ROOM}, or raise contextLength of "
                f"model {best.name!r} from {best.context_length} to {need}."
            )
            problem = f"and {PROMPT_ROOM} tokens of prompt do not fit the model's context"
            yield Problem(("roles", i, "maxTokens"), problem, remedy)


def headcount(roles: Roles, kinds: tuple[RoleKind, ...]) -> int:
    """Agents of these kinds, all instances counted."""
    return sum(role.instances for role in roles if role.role in kinds)


COMPLETE = (
    Cel(
        f"self.roles.exists(role, role.role in {words(BUILDERS)})",
        "has nobody who builds. Add a role with role: sapper (or worker).",
        at=".roles",
    ),
    Cel(
        "self.debate.arbiter != 'auditor' || self.roles.exists(role, role.role == 'auditor')",
        "is no role of this formation. Add a role with role: auditor, or use arbiter: ballot.",
        at=".debate.arbiter",
    ),
)


def complete(roles: Roles, debate: Debate) -> Iterator[Problem]:
    """Somebody builds, and the debate's arbiter exists."""
    if not headcount(roles, BUILDERS):
        remedy = "Add a role with role: sapper (or worker)."
        yield Problem(("roles",), "has nobody who builds", remedy)
    if debate.arbiter == "auditor" and not headcount(roles, ("auditor",)):
        remedy = "Add a role with role: auditor, or use arbiter: ballot."
        yield Problem(("debate", "arbiter"), "is no role of this formation", remedy)


REACHABLE_QUORUM = Cel(
    f"self.debate.quorum <= self.roles.filter(role, role.role in {words(DEBATERS)})"
    ".map(role, role.instances).sum()",
    "can never be reached by the agents that debate. "
    f"Give 0 for all, or add instances of {listed(DEBATERS)}.",
    at=".debate.quorum",
)


def reachable_quorum(roles: Roles, debate: Debate) -> Iterator[Problem]:
    """Enough agents debate to reach the quorum."""
    debaters = headcount(roles, DEBATERS)
    if debate.quorum > debaters:
        remedy = f"Give at most {debaters} (0 means all), or add instances of {listed(DEBATERS)}."
        problem = f"can never be reached by the {debaters} agents that debate"
        yield Problem(("debate", "quorum"), problem, remedy)


GPUS = "(has(self.hardware.gpus) ? self.hardware.gpus : self.hardware.profile == 'cpu' ? 0 : 1)"
WEIGHTS_FIT = Cel(
    f"!has(self.hardware.memoryGiB) || {GPUS} == 0 || "
    f"self.models.filter(model, model.engine in {words(LOCAL)} && has(model.weightsGiB))"
    ".map(model, model.weightsGiB).sum() "
    f"<= double({GPUS}) * (self.hardware.memoryGiB - self.hardware.reserveGiB)",
    "have more GiB of weights than the hardware has memory. "
    "Use smaller or quantized models, fewer of them, or more GPUs.",
    at=".models",
)


def weights_fit(models: Models, hardware: Hardware) -> Iterator[Problem]:
    """Stated weights of models served here fit the stated memory; the planner does the rest."""
    if hardware.memory_gib is None or not hardware.gpu_count:
        return
    total = sum(model.weights_gib or 0 for model in models if model.engine in LOCAL)
    room = hardware.gpu_count * (hardware.memory_gib - hardware.reserve_gib)
    if total > room:
        remedy = "Use smaller or quantized models, fewer of them, or more GPUs."
        problem = f"have {total:g} GiB of weights, more than the {room:g} GiB of the hardware"
        yield Problem(("models",), problem, remedy)


CEL = (*KNOWN_MODELS, ROOM_FOR_ANSWERS, *COMPLETE, REACHABLE_QUORUM, WEIGHTS_FIT)
"""All of them, for the API server."""
