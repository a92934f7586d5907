"""Where each model of a formation is reached, and by which name, for one run. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hekaton_api.formation import FormationSpec
from hekaton_api.models import ModelSpec
from hekaton_runtime.errors import BadInput


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One model's address and the name to send there."""

    base_url: str
    model: str
    key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Override:
    """What a run replaces: the address and name of every `external` model."""

    base_url: str = ""
    model: str = ""
    key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Provided:
    """Models with engine `api`, where somebody serves them to this run."""

    served: Mapping[str, Endpoint] = field(default_factory=dict)
    """By the model's name in the formation."""
    reasons: tuple[str, ...] = ()
    """Why some, or all, cannot be served."""


def endpoints(
    spec: FormationSpec,
    override: Override,
    environ: Mapping[str, str],
    provided: Provided | None = None,
) -> dict[str, Endpoint]:
    """By the model's name in the formation; raises `BadInput` naming every model that cannot be reached."""
    given = provided or Provided()
    reasons = [*given.reasons]
    found = {
        model.name: _endpoint(model, override, environ, reasons)
        for model in spec.models
        if not (model.engine == "api" and provided)
    } | dict(given.served)
    if reasons:
        raise BadInput(reasons)
    return found


def _endpoint(
    model: ModelSpec, override: Override, environ: Mapping[str, str], reasons: list[str]
) -> Endpoint:
    if override.base_url:
        return Endpoint(override.base_url, override.model or model.sent_name, override.key)
    if model.engine != "external" or model.endpoint is None:
        reasons.append(
            f"model {model.name!r} has engine {model.engine!r}, which needs a cluster or a router."
            " Give an OpenAI-compatible server by --base-url, name one for this model by"
            f" --set models.{model.name}.engine=external --set models.{model.name}.endpoint=URL,"
            " or try --simulate."
        )
        return Endpoint("", "")
    name = override.model or model.sent_name
    return Endpoint(model.endpoint, name, _key(model, environ, reasons))


def _key(model: ModelSpec, environ: Mapping[str, str], reasons: list[str]) -> str:
    """The override's key is for the override's address alone, never for one that a file names."""
    variable = model.credentials.env if model.credentials else None
    if variable is None:
        return ""
    if not environ.get(variable):
        reasons.append(
            f"model {model.name!r} takes its key from {variable}, which is not set. Export it."
        )
    return environ.get(variable, "")
