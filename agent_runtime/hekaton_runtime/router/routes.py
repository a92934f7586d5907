"""Where each model of a formation is reached from inside its pod. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from hekaton_api.formation import FormationSpec
from hekaton_api.models import LOCAL, ModelSpec
from hekaton_runtime.errors import BadInput
from hekaton_runtime.models.endpoint import api_root, why_not_key

PORT_BASE = 8100
"""Port of the first engine of a pod; the others follow in the formation's order."""
VARIABLE = "HEKATON_KEY_"
UNFIT = re.compile(r"[^A-Z0-9]")


@dataclass(frozen=True, slots=True)
class Route:
    """One model of the formation."""

    name: str
    """In the formation, in permits and in requests."""
    served: str
    """As its server knows it."""
    root: str
    """What /chat/completions hangs below; empty for a provider's own address."""
    api: bool = False
    """A provider, reached through LiteLLM."""
    key: str = field(default="", repr=False)
    input_micros: int = 0
    """Micro-dollars per million prompt tokens."""
    output_micros: int = 0


def key_variable(model: str) -> str:
    """The variable that holds a model's key in the router's container."""
    return f"{VARIABLE}{UNFIT.sub('_', model.upper())}"


def routes(
    spec: FormationSpec, environ: Mapping[str, str], port_base: int = PORT_BASE
) -> dict[str, Route]:
    """By the model's name; raises `BadInput` naming every model that cannot be reached."""
    reasons: list[str] = []
    ports = {model.name: port_base + i for i, model in enumerate(local_models(spec))}
    found = {model.name: _route(model, environ, ports, reasons) for model in spec.models}
    if reasons:
        raise BadInput(reasons)
    return found


def provider_routes(
    spec: FormationSpec, environ: Mapping[str, str]
) -> tuple[dict[str, Route], tuple[str, ...]]:
    """Models with engine `api` alone, and why some of them cannot be reached."""
    reasons: list[str] = []
    found = {
        model.name: _route(model, environ, {}, reasons)
        for model in spec.models
        if model.engine == "api"
    }
    return found, tuple(reasons)


def local_models(spec: FormationSpec) -> tuple[ModelSpec, ...]:
    """The models that engines of the pod itself serve, in the formation's order."""
    return tuple(model for model in spec.models if model.engine in LOCAL)


def _route(
    model: ModelSpec, environ: Mapping[str, str], ports: Mapping[str, int], reasons: list[str]
) -> Route:
    price = (model.price.input_micros, model.price.output_micros)
    if model.name in ports:
        root = f"http://127.0.0.1:{ports[model.name]}/v1"
        return Route(model.name, model.name, root, False, "", *price)
    key, api = _key(model, environ, reasons), model.engine == "api"
    root = model.endpoint or ""
    if not api:
        root = api_root(root)
    return Route(model.name, model.sent_name, root, api, key, *price)


def _key(model: ModelSpec, environ: Mapping[str, str], reasons: list[str]) -> str:
    """A model without credentials gets no key, whatever the environment holds."""
    given = model.credentials
    if given is None:
        return ""
    names = [key_variable(model.name), *([given.env] if given.env else [])]
    key = next((environ[name] for name in names if environ.get(name)), "")
    if not key:
        reasons.append(
            f"model {model.name!r} needs a key, and {' or '.join(names)} is not set. Export it, or"
            " name the Secret in credentials.secretKeyRef."
        )
    elif why := why_not_key(key):
        reasons += [f"model {model.name!r}: {reason}" for reason in why]
    return key
