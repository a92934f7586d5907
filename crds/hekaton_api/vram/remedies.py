"""What would make a formation fit, the smallest change first. Pure.

Every remedy is a whole formation that has been planned and found to fit; none is a guess. Where
models are refused as well, it starts from the formation that their refusals ask for. The
distance of a change is the part of what was asked for that it gives up, from 0 to 1; a change of
the model itself counts one more, since answers change with it, and other hardware comes last.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from hekaton_api.formation import FormationSpec
from hekaton_api.models import ModelSpec
from hekaton_api.roles import AUTO
from hekaton_api.rules import PROMPT_ROOM
from hekaton_api.vram.catalog import Catalog
from hekaton_api.vram.plan import HARDWARE, fits, plan_spec
from hekaton_api.vram.storage import KvDtype
from hekaton_api.vram.swaps import changed, lighter, local, weights

Kind: TypeAlias = Literal["context", "sequences", "kvDtype", "model", "several", "hardware"]
STEP = 1024
"""Contexts that are offered are multiples of this many tokens."""
MOST_GPUS = 8
"""Of one machine, as a rule."""
OFFERED = 8
"""Remedies that are shown; the rest would only be further away."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """One change after which the formation fits."""

    kind: Kind
    change: str
    """What to do, as a sentence."""
    distance: float
    spec: FormationSpec
    """The formation with the change made."""


def remedies(spec: FormationSpec, catalog: Catalog) -> tuple[Remedy, ...]:
    """What would make it fit, nearest first; empty where it fits, or would with what the refusals of
    its models ask for."""
    base, more = _mended(spec, catalog)
    if base is None or fits(base, catalog):
        return ()
    single = [*_contexts(base, catalog), *_sequences(base, catalog), *_dtypes(base, catalog)]
    single += [*_everywhere(base, catalog), *_models(base, catalog)]
    found = single or [*_several(base, catalog), *_smaller(base, catalog)]
    found += _hardware(base, catalog)
    ordered = sorted(found, key=lambda each: (each.distance, each.kind, each.change))[:OFFERED]
    return tuple(replace(each, change=f"{each.change[:-1]}{more}.") for each in ordered)


def _mended(spec: FormationSpec, catalog: Catalog) -> tuple[FormationSpec | None, str]:
    """The formation as the refusals of its models ask for, without those that only the user can
    mend, and words that say so; None where nothing is left to be planned."""
    refusals, new = plan_spec(spec, catalog).refusals, spec
    for at, model in local(spec):
        mends = (one.mend for one in refusals if one.model == model.name)
        new = changed(new, at, **{mend[0]: mend[1] for mend in mends if mend})
    left = plan_spec(new, catalog).refusals if refusals else ()
    lost = {one.model for one in left}
    if any(one.field == HARDWARE for one in left) or len(lost) == len(spec.models):
        return None, ""
    models = tuple(model for model in new.models if model.name not in lost)
    roles = tuple(role for role in new.roles if role.model not in lost)
    names = sorted({one.model for one in refusals} - lost)
    more = f", once {_named(names)} mended as said above" if names else ""
    more += f", where {_named(sorted(lost))} not counted" if lost else ""
    return new.model_copy(update={"models": models, "roles": roles}), more


def _named(names: list[str]) -> str:
    said = " and ".join(map(repr, names))
    return f"{said} {'is' if len(names) == 1 else 'are'}"


def _largest(low: int, high: int, good: Callable[[int], bool]) -> int | None:
    """The largest number in the range that is good, where all below a good one are good."""
    if low > high or not good(low):
        return None
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if good(middle) else (low, middle - 1)
    return low


def _least_context(spec: FormationSpec, model: ModelSpec) -> int:
    """What the roles on this model need for an answer and a prompt."""
    users = [role.max_tokens for role in spec.roles if role.model in (AUTO, model.name)]
    return max([*users, 0]) + PROMPT_ROOM


def _contexts(spec: FormationSpec, catalog: Catalog) -> Iterator[Remedy]:
    for at, model in local(spec):
        least = -(-_least_context(spec, model) // STEP)

        def good(steps: int, at: int = at) -> bool:
            return fits(changed(spec, at, context_length=steps * STEP), catalog)

        steps = _largest(least, (model.context_length - 1) // STEP, good)
        if steps:
            new = steps * STEP
            text = f"Lower contextLength of {model.name!r} from {model.context_length} to {new}."
            lost = 1 - new / model.context_length
            yield Remedy("context", text, lost, changed(spec, at, context_length=new))


def _sequences(spec: FormationSpec, catalog: Catalog) -> Iterator[Remedy]:
    for at, model in local(spec):

        def good(count: int, at: int = at) -> bool:
            return fits(changed(spec, at, max_sequences=count), catalog)

        count = _largest(1, model.max_sequences - 1, good)
        if count:
            text = f"Lower maxSequences of {model.name!r} from {model.max_sequences} to {count}."
            lost = 1 - count / model.max_sequences
            yield Remedy("sequences", text, lost, changed(spec, at, max_sequences=count))


def _bits(dtype: KvDtype | None) -> int:
    return dtype.key_eighths + dtype.value_eighths if dtype else 0


def _dtypes(spec: FormationSpec, catalog: Catalog) -> Iterator[Remedy]:
    """For each model the widest KV dtype that makes room."""
    for at, model in local(spec):
        was = _bits(catalog.dtype(model.kv_cache_dtype))
        for dtype in catalog.dtypes:
            new = changed(spec, at, kv_cache_dtype=dtype.name)
            if _bits(dtype) < was and fits(new, catalog):
                text = (
                    f"Set kvCacheDtype of {model.name!r} to {dtype.name}"
                    f" (was {model.kv_cache_dtype})."
                )
                yield Remedy("kvDtype", text, 1 - _bits(dtype) / was, new)
                break


def _packed(spec: FormationSpec, catalog: Catalog, dtype: KvDtype) -> FormationSpec:
    """Every model that can use the dtype, and has a wider one, uses it."""
    new = spec
    for at, model in local(spec):
        known, was = catalog.known(model), catalog.dtype(model.kv_cache_dtype)
        cpu = spec.hardware.gpu_count == 0
        usable = known is not None and not dtype.unfit(known.shape, model.engine, cpu)
        if usable and _bits(dtype) < _bits(was):
            new = changed(new, at, kv_cache_dtype=dtype.name)
    return new


def _capped(spec: FormationSpec, tokens: int) -> FormationSpec:
    """No model has a longer context than this."""
    new = spec
    for at, model in local(spec):
        new = changed(new, at, context_length=min(model.context_length, tokens))
    return new


def _everywhere(spec: FormationSpec, catalog: Catalog) -> Iterator[Remedy]:
    """The same change for all models: one context, or one KV dtype."""
    models = [model for _, model in local(spec)]
    if len(models) < 2:
        return
    top = max(model.context_length for model in models)
    least = -(-max(_least_context(spec, model) for model in models) // STEP)
    steps = _largest(least, (top - 1) // STEP, lambda n: fits(_capped(spec, n * STEP), catalog))
    if steps:
        text = f"Lower every contextLength to at most {steps * STEP}."
        yield Remedy("context", text, 1 - steps * STEP / top, _capped(spec, steps * STEP))
    widest = max(_bits(catalog.dtype(model.kv_cache_dtype)) for model in models)
    for dtype in catalog.dtypes:
        new = _packed(spec, catalog, dtype)
        if _bits(dtype) < widest and fits(new, catalog):
            text = f"Set kvCacheDtype to {dtype.name} for every model that can use it."
            yield Remedy("kvDtype", text, 1 - _bits(dtype) / widest, new)
            break


def _models(spec: FormationSpec, catalog: Catalog) -> Iterator[Remedy]:
    """For each model the nearest other checkpoint of its family that makes room."""
    for at, model in local(spec):
        was = weights(model, spec, catalog)
        for swap in lighter(spec, at, catalog):
            if fits(swap.spec, catalog):
                text = f"Serve {swap.model} as {model.name!r} (was {model.model})."
                yield Remedy("model", text, 2 - swap.size / was, swap.spec)
                break


def _several(spec: FormationSpec, catalog: Catalog) -> Iterator[Remedy]:
    """Where no single change is enough: the densest KV dtype and one context for all."""
    dense = _packed(spec, catalog, catalog.dtypes[-1])
    models = [model for _, model in local(spec)]
    top = max((model.context_length for model in models), default=0)
    least = -(-max((_least_context(spec, model) for model in models), default=0) // STEP)
    steps = _largest(least, top // STEP, lambda n: fits(_capped(dense, n * STEP), catalog))
    if steps:
        text = (
            f"Set kvCacheDtype to {catalog.dtypes[-1].name} for every model that can use it, and "
            f"lower every contextLength to at most {steps * STEP}."
        )
        yield Remedy("several", text, 2 - steps * STEP / top, _capped(dense, steps * STEP))


def _smaller(spec: FormationSpec, catalog: Catalog) -> Iterator[Remedy]:
    """Where no single change is enough: the heaviest models one step down, until all fit."""
    new, whole = spec, _weights(spec, catalog)
    while not fits(new, catalog):
        heavy = sorted(local(new), key=lambda each: -weights(each[1], new, catalog))
        steps = (swaps[0].spec for at, _ in heavy if (swaps := lighter(new, at, catalog)))
        if (step := next(steps, None)) is None:
            return
        new = step
    pairs = [(was, now) for was, now in zip(spec.models, new.models, strict=True) if was != now]
    text = " and ".join(f"{now.model} as {now.name!r} (was {was.model})" for was, now in pairs)
    yield Remedy("several", f"Serve {text}.", 2 - _weights(new, catalog) / whole, new)


def _weights(spec: FormationSpec, catalog: Catalog) -> int:
    return sum(weights(model, spec, catalog) for _, model in local(spec))


def _hardware(spec: FormationSpec, catalog: Catalog) -> Iterator[Remedy]:
    """The smallest profile it fits, on as many GPUs; else more of its own."""
    for machine in catalog.machines:
        hardware = spec.hardware.model_copy(
            update={"profile": machine.profile, "memory_gib": None, "gpus": max(1, spec.hardware.gpu_count)}
        )  # fmt: skip
        new = spec.model_copy(update={"hardware": hardware})
        if fits(new, catalog):
            text = f"Use hardware profile {machine.profile} ({machine.memory_mib} MiB a GPU)."
            yield Remedy("hardware", text, 3.0, new)
            return
    if not spec.hardware.gpu_count:
        return
    for gpus in range(spec.hardware.gpu_count + 1, MOST_GPUS + 1):
        hardware = spec.hardware.model_copy(update={"gpus": gpus})
        new = spec.model_copy(update={"hardware": hardware})
        if fits(new, catalog):
            yield Remedy("hardware", f"Use {gpus} GPUs (hardware.gpus).", 3.0, new)
            return
