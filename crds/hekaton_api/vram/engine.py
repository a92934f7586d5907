"""One model server: what it asks of the hardware, or every reason why it cannot be planned. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from hekaton_api.models import ModelSpec
from hekaton_api.vram.cache import Cache, cache
from hekaton_api.vram.catalog import Catalog, Known
from hekaton_api.vram.config import ELSEWHERE, Unplannable
from hekaton_api.vram.overhead import Constants, Serving, activations, graphs, workspace
from hekaton_api.vram.shape import Shape
from hekaton_api.vram.sizes import GIB
from hekaton_api.vram.storage import BF16, KvDtype
from hekaton_api.vram.weights import Packing, parameters, weight_bytes
from hekaton_api.words import listed, near

BATCHED = 2048
"""Tokens of one step, unless extraArgs say otherwise: several engines share a GPU, and activations
grow with it."""
BATCHED_FLAG = "--max-num-batched-tokens"
EAGER_FLAG = "--enforce-eager"
OFFLOAD_FLAG = "--cpu-offload-gb"
"""GiB of the layers' weights on each GPU that stay in the CPU's memory, as vLLM and SGLang call it."""
PASTE = "Paste the model's whole config.json."
MOST = 1 << 24
"""What extraArgs say is not believed beyond this: tokens of a step, GiB of weights."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason why a model cannot be planned, with the nearest remedy."""

    model: str
    field: str
    """Field of the model's entry, as in YAML."""
    reason: str
    remedy: str
    mend: tuple[str, str | int] | None = None
    """The attribute of the entry and the value that the remedy names first; None where only the user
    can say."""

    def __str__(self) -> str:
        return f"models[{self.model}].{self.field}: {self.reason.rstrip('.')}. {self.remedy}"


@dataclass(frozen=True, slots=True)
class Engine:
    """A model server and its exact bytes on each GPU."""

    spec: ModelSpec
    shape: Shape
    dtype: KvDtype
    format: str
    """Format of the weights once loaded."""
    online: bool
    """Whether the engine makes that format itself, from 16-bit weights."""
    cache: Cache
    serving: Serving
    weights: int
    kv: int
    activations: int
    overhead: int
    """Process, graphs and workspaces."""
    freed: int
    """KV bytes saved against 16 bits, for the same sequences; 0 for ordinary number formats."""
    memory: int = 0
    """Of one GPU, as the driver reports it; 0 where there is none, or nobody asked."""

    @property
    def total(self) -> int:
        return self.weights + self.kv + self.activations + self.overhead


def engine(spec: ModelSpec, catalog: Catalog, gpus: int) -> Engine | tuple[Refusal, ...]:
    """Plan one entry on `gpus` GPUs, 0 for a machine without any."""
    try:
        known = catalog.known(spec)
    except Unplannable as fault:
        return tuple(
            Refusal(
                spec.name, "config", one.reason, ELSEWHERE if one.remedy == ELSEWHERE else PASTE
            )
            for one in fault.faults
        )
    if known is None:
        return (_unknown(spec, catalog),)
    dtype, packing = catalog.dtype(spec.kv_cache_dtype), catalog.packing(_format(spec, known))
    found = tuple(_refusals(spec, catalog, known, dtype, gpus))
    if found or dtype is None or (packing is None and spec.weights_gib is None):
        return found
    return _planned(spec, catalog, known, dtype, packing, gpus)


def _planned(
    spec: ModelSpec, catalog: Catalog, known: Known, dtype: KvDtype, packing: Packing | None, gpus: int
) -> Engine:  # fmt: skip
    shape, constants, share = known.shape, catalog.constants, max(1, gpus)
    eager = gpus == 0 or EAGER_FLAG in spec.extra_args
    batch = batched(spec)
    serving = Serving(spec.context_length, spec.max_sequences, batch, not eager, share)
    laid = cache(shape, dtype, engine=spec.engine, batched=batch, gpus=share)
    kv = laid.size(spec.context_length, spec.max_sequences)
    wide = cache(shape, _wide(catalog), engine=spec.engine, batched=batch, gpus=share)
    saved = 0 if dtype.plain else wide.size(spec.context_length, spec.max_sequences) - kv
    stated = None if spec.weights_gib is None else int(spec.weights_gib * GIB)
    whole = stated or (weight_bytes(shape, packing) if packing else 0)
    process = constants.process if gpus else constants.cpu_process
    return Engine(
        spec=spec,
        shape=shape,
        dtype=dtype,
        format=_format(spec, known),
        online=known.format == "none" and spec.quantization != "none",
        cache=laid,
        serving=serving,
        weights=-(-(whole - _offloaded(spec, shape, whole, share)) // share),
        kv=kv,
        activations=activations(shape, serving, constants),
        overhead=process + graphs(shape, serving, constants) + workspace(shape, dtype, serving),
        freed=max(0, saved),
    )


def extended(one: Engine, context: int, constants: Constants) -> int:
    """Bytes on each GPU if the same server had another context."""
    serving = replace(one.serving, context=context)
    grown = workspace(one.shape, one.dtype, serving) - workspace(one.shape, one.dtype, one.serving)
    kv = one.cache.size(context, serving.sequences)
    return one.weights + kv + activations(one.shape, serving, constants) + one.overhead + grown


def batched(spec: ModelSpec) -> int:
    """Most tokens of one step, as extraArgs say or as the planner chooses."""
    said = _said(spec, BATCHED_FLAG)
    return min(MOST, int(said)) if said.isdecimal() else BATCHED


def _offloaded(spec: ModelSpec, shape: Shape, whole: int, share: int) -> int:
    """Bytes of weights, over all GPUs, that extraArgs leave in the CPU's memory: never more than the
    matrices of the layers, which is what engines can offload."""
    said = _said(spec, OFFLOAD_FLAG)
    asked = int(min(MOST, float(said)) * GIB) * share if said.replace(".", "", 1).isdecimal() else 0
    return max(0, min(asked, whole - 2 * parameters(shape).plain))


def _said(spec: ModelSpec, flag: str) -> str:
    """What extraArgs give for a flag; empty where they do not."""
    words = " ".join(spec.extra_args).replace("=", " ").split()
    return words[words.index(flag) + 1] if flag in words[:-1] else ""


def _wide(catalog: Catalog) -> KvDtype:
    return next(each for each in catalog.dtypes if each.name == BF16)


def _format(spec: ModelSpec, known: Known) -> str:
    return spec.quantization if known.format == "none" else known.format


def _unknown(spec: ModelSpec, catalog: Catalog) -> Refusal:
    names = [each.model for each in catalog.checkpoints]
    remedy = (
        f"{near(spec.model or '', names)}Paste its config.json into the entry's field config, or try"
        f" it first: `hekaton plan FILE --config {spec.name}=PATH/config.json`."
    )
    return Refusal(spec.name, "model", f"{spec.model!r} is not a model with known figures", remedy)


def _refusals(
    spec: ModelSpec, catalog: Catalog, known: Known, dtype: KvDtype | None, gpus: int
) -> Iterator[Refusal]:
    """All that is wrong with an entry whose architecture is known."""
    shape = known.shape
    if shape.positions and spec.context_length > shape.positions:
        reason = f"{spec.context_length} is beyond the {shape.positions} tokens of {spec.model!r}"
        remedy = f"Give at most {shape.positions}, or another model."
        yield Refusal(
            spec.name, "contextLength", reason, remedy, ("context_length", shape.positions)
        )
    fit = [each.name for each in catalog.dtypes if not each.unfit(shape, spec.engine, not gpus)]
    if dtype is None:
        reason = f"{spec.kv_cache_dtype!r} is not a known KV dtype"
        meant = near(spec.kv_cache_dtype, fit)
        nearest = next((name for name in fit if repr(name) in meant), BF16)
        remedy = f"{meant}This model can use: {listed(fit)}."
        yield Refusal(spec.name, "kvCacheDtype", reason, remedy, ("kv_cache_dtype", nearest))
    elif faults := dtype.unfit(shape, spec.engine, gpus == 0):
        reason = f"{spec.kv_cache_dtype!r} cannot be used: {'; '.join(faults)}"
        nearest = min(fit, key=lambda name: _distance(catalog, name, dtype), default=BF16)
        remedy = f"Use {nearest!r}; this model can use: {listed(fit)}."
        yield Refusal(spec.name, "kvCacheDtype", reason, remedy, ("kv_cache_dtype", nearest))
    if gpus > 1 and shape.latent is None and shape.kv_heads % gpus and gpus % shape.kv_heads:
        reason = f"{shape.kv_heads} KV heads cannot be shared by {gpus} GPUs"
        remedy = f"Use a number of GPUs that divides {shape.kv_heads}."
        yield Refusal(spec.name, "model", reason, remedy)
    yield from _misformatted(spec, catalog, known)


def _distance(catalog: Catalog, name: str, dtype: KvDtype) -> int:
    """How far a dtype's bits are from the wanted ones."""
    other = catalog.dtype(name)
    bits = other.key_eighths + other.value_eighths if other else 0
    return abs(bits - dtype.key_eighths - dtype.value_eighths)


def _misformatted(spec: ModelSpec, catalog: Catalog, known: Known) -> Iterator[Refusal]:
    wanted, there = spec.quantization, known.format
    if there not in ("none", wanted) and wanted != "none":
        reason = f"{wanted!r} is wanted, and the weights of {spec.model!r} are {there}"
        remedy = f"Use {there!r}, or leave it out."
        yield Refusal(spec.name, "quantization", reason, remedy, ("quantization", "none"))
    if there == "none" and wanted not in ("none", "fp8"):
        reason = f"{wanted!r} cannot be made while loading, and {spec.model!r} holds 16-bit weights"
        remedy = (
            f"Name a checkpoint in that format{_checkpoint(spec, catalog, wanted)}, or use fp8."
        )
        yield Refusal(spec.name, "quantization", reason, remedy, ("quantization", "fp8"))
    if catalog.packing(there) is None and spec.weights_gib is None:
        reason = f"None is given, and the size of weights in format {there!r} is not known"
        yield Refusal(spec.name, "weightsGiB", reason, "Give the size of the files in GiB.")


def _checkpoint(spec: ModelSpec, catalog: Catalog, wanted: str) -> str:
    own = next((each.shape for each in catalog.checkpoints if each.model == spec.model), "")
    for each in catalog.checkpoints:
        if each.shape == own and each.format == wanted:
            return f", e.g. {each.model}"
    return ""
