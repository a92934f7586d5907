"""The models of a formation: where each is served, how large it is, and what its tokens cost."""

from collections.abc import Iterable
from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import Field

from hekaton_api.cel import Cel, words
from hekaton_api.fields import (
    LIST,
    Cost,
    GiB,
    Hint,
    Line,
    Name,
    Part,
    Text,
    Url,
    Variable,
    Whole,
)
from hekaton_api.nul import NoNul
from hekaton_api.problems import Problem
from hekaton_api.units import micros

Engine: TypeAlias = Literal["vllm", "sglang", "api", "external"]
Quantization: TypeAlias = Literal["none", "fp8", "awq", "gptq", "nvfp4", "mxfp4", "int8", "gguf"]
LOCAL: tuple[Engine, ...] = ("vllm", "sglang")
"""Engines that Hekaton itself starts on the formation's hardware."""


class SecretKeyRef(Part):
    """One key of a Secret in the object's own namespace."""

    name: Name
    """Name of the Secret. Required."""
    key: Annotated[str, Field(pattern=r"^[-._A-Za-z0-9]+$", max_length=253)]
    """Key within the Secret. Required."""


class Credentials(Part):
    """Where a secret is found; the secret itself never stands in a document."""

    secret_key_ref: SecretKeyRef | None = None
    """Key of a Secret, for a cluster. Exactly one of secretKeyRef and env is given."""
    env: Variable | None = None
    """Name of an environment variable, for a laptop. Exactly one of secretKeyRef and env is
    given."""
    CEL: ClassVar[tuple[Cel, ...]] = (
        Cel(
            "has(self.secretKeyRef) != has(self.env)",
            "needs exactly one of secretKeyRef and env. Name a Secret in secretKeyRef (cluster) "
            "or a variable in env (laptop).",
        ),
    )

    def breaches(self) -> Iterable[Problem]:
        if (self.secret_key_ref is None) == (self.env is None):
            remedy = "Name a Secret in secretKeyRef (cluster) or a variable in env (laptop)."
            yield Problem((), "needs exactly one of secretKeyRef and env", remedy)


class Price(Part):
    """What tokens cost, in US dollars per million tokens."""

    input_per_mtok: Cost = Field(default=0, validate_default=True)
    """US dollars per million prompt tokens. Default 0."""
    output_per_mtok: Cost = Field(default=0, validate_default=True)
    """US dollars per million generated tokens. Default 0."""

    @property
    def input_micros(self) -> int:
        """Micro-dollars per million prompt tokens."""
        return micros(self.input_per_mtok)

    @property
    def output_micros(self) -> int:
        """Micro-dollars per million generated tokens."""
        return micros(self.output_per_mtok)


class ModelSpec(Part):
    """One served model of the formation."""

    name: Annotated[
        Name,
        Cel(
            "self != 'auto'",
            "is taken. Choose another name: 'auto' in a role lets the router choose.",
        ),
    ]
    """Name that roles use, unique in the formation; 'auto' is taken. Required."""
    engine: Engine
    """Who serves it: vllm or sglang (started here), api (a provider), external (one that runs
    already and speaks OpenAI's protocol). Required."""
    model: Line | None = None
    """Weights to load (vllm, sglang: required) or the name the endpoint knows (external). Default
    for external: the entry's own name."""
    revision: Text | None = None
    """Commit, tag or branch of the weights. Absent means the newest."""
    quantization: Quantization = "none"
    """Weight format asked of the engine. Default none."""
    context_length: Annotated[Whole, Field(ge=1024, le=16_777_216), Hint("tokens", "8192")] = 8192
    """Longest prompt plus answer, tokens. Default 8192."""
    max_sequences: Annotated[Whole, Field(ge=1, le=4096), Hint("sequences", "16")] = 16
    """Requests served at once. Default 16."""
    kv_cache_dtype: Annotated[str, Field(pattern=r"^[a-z0-9_]+$", max_length=63)] = "auto"
    """Storage of the KV cache as the engine names it, e.g. auto, fp8, turboquant_4bit. Default
    auto."""
    config: Annotated[str, Field(min_length=2, max_length=16384), NoNul()] | None = None
    """Text of the weights' own config.json, for a model that Hekaton has no figures of. Absent means
    the figures that come along."""
    weights_gib: GiB | None = Field(default=None, gt=0)
    """Size of the weights, GiB. Absent means computed from the model."""
    extra_args: Annotated[tuple[Line, ...], Field(max_length=LIST)] = ()
    """More arguments for the engine's server, at most 64. Default none."""
    endpoint: Url | None = None
    """Base URL of the server, without a password or query. Required for external."""
    api_model: Line | None = None
    """Provider and model, e.g. gemini/gemini-2.5-pro. Required for api."""
    credentials: Credentials | None = None
    """Where the key is found; never the key itself. Absent means none is sent."""
    price: Price = Field(default_factory=Price)
    """Cost of tokens. Default free."""
    CEL: ClassVar[tuple[Cel, ...]] = (
        Cel(
            f"!(self.engine in {words(LOCAL)}) || has(self.model)",
            "is missing, and engines vllm and sglang need it. "
            "Name the weights, e.g. model: Qwen/Qwen3-8B.",
            at=".model",
        ),
        Cel(
            "self.engine != 'external' || has(self.endpoint)",
            "is missing, and engine external needs it. "
            "Give the base URL, e.g. endpoint: http://models:8000/v1.",
            at=".endpoint",
        ),
        Cel(
            "self.engine != 'api' || has(self.apiModel)",
            "is missing, and engine api needs it. "
            "Give provider and model, e.g. apiModel: gemini/gemini-2.5-pro.",
            at=".apiModel",
        ),
        Cel(
            f"!(self.engine in {words(LOCAL)}) || !has(self.endpoint)",
            "means nothing to engines vllm and sglang. "
            "Remove endpoint, or use engine: external for a server that runs already.",
            at=".endpoint",
        ),
        Cel(
            "self.engine == 'api' || !has(self.apiModel)",
            "means nothing to this engine. Remove apiModel, or use engine: api.",
            at=".apiModel",
        ),
    )

    @property
    def sent_name(self) -> str:
        """The model's name in a request."""
        return self.model or self.api_model or self.name

    def breaches(self) -> Iterable[Problem]:
        return _unfit(self)


def _unfit(spec: ModelSpec) -> list[Problem]:
    """What the engine needs and lacks, or has and cannot use."""
    local = spec.engine in LOCAL
    whose = f"engine {spec.engine}"
    found = []
    if spec.name == "auto":
        remedy = "Choose another name: 'auto' in a role lets the router choose."
        found.append(Problem(("name",), "is taken", remedy))
    if local and spec.model is None:
        remedy = "Name the weights, e.g. model: Qwen/Qwen3-8B."
        found.append(Problem(("model",), f"is missing, and {whose} needs it", remedy))
    if spec.engine == "external" and spec.endpoint is None:
        remedy = "Give the base URL, e.g. endpoint: http://127.0.0.1:8000/v1."
        found.append(Problem(("endpoint",), f"is missing, and {whose} needs it", remedy))
    if spec.engine == "api" and spec.api_model is None:
        remedy = "Give provider and model, e.g. apiModel: gemini/gemini-2.5-pro."
        found.append(Problem(("apiModel",), f"is missing, and {whose} needs it", remedy))
    if local and spec.endpoint is not None:
        remedy = "Remove endpoint, or use engine: external for a server that runs already."
        found.append(Problem(("endpoint",), f"means nothing to {whose}", remedy))
    if spec.engine != "api" and spec.api_model is not None:
        remedy = "Remove apiModel, or use engine: api."
        found.append(Problem(("apiModel",), f"means nothing to {whose}", remedy))
    return found
