"""What is offered does fit, comes nearest first, and is only offered where something is wrong."""

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from hekaton_api.formation import FormationSpec
from hekaton_api.models import ModelSpec
from hekaton_api.vram.catalog import Catalog, shipped
from hekaton_api.vram.plan import fits, plan_spec
from hekaton_api.vram.remedies import remedies
from hekaton_api.vram.swaps import lighter

Make = Callable[..., FormationSpec]
MODELS = [each.model for each in shipped().checkpoints]
DTYPES = [each.name for each in shipped().dtypes]


def entry(model: str, name: str = "m", **fields: object) -> ModelSpec:
    return ModelSpec.model_validate({"name": name, "engine": "vllm", "model": model, **fields})


@settings(max_examples=15)
@given(
    models=st.lists(st.sampled_from(MODELS), min_size=1, max_size=4),
    context=st.sampled_from((4096, 8192, 16_384)),
    sequences=st.integers(1, 64),
    room=st.integers(6, 96),
)
def test_every_remedy_fits_and_nearer_ones_come_first(
    formation: Make, models: list[str], context: int, sequences: int, room: int
) -> None:
    catalog = shipped()
    entries = [
        entry(model, f"m{i}", contextLength=context, maxSequences=sequences)
        for i, model in enumerate(models)
    ]
    spec = formation(*entries, profile="custom", memory_gib=float(room))
    offered = remedies(spec, catalog)
    assert all(plan_spec(each.spec, catalog).fits for each in offered)
    assert [each.distance for each in offered] == sorted(each.distance for each in offered)
    assert fits(spec, catalog) == plan_spec(spec, catalog).fits
    assert not offered or not fits(spec, catalog)


def test_a_formation_that_fits_needs_no_remedy(catalog: Catalog, formation: Make) -> None:
    assert remedies(formation(entry("Qwen/Qwen2.5-Coder-7B-Instruct")), catalog) == ()


def test_context_sequences_dtype_and_model_are_all_considered(
    catalog: Catalog, formation: Make
) -> None:
    big = entry("Qwen/Qwen2.5-Coder-32B-Instruct-AWQ", contextLength=32_768, maxSequences=12)
    offered = remedies(formation(big), catalog)
    assert {each.kind for each in offered} >= {"context", "sequences", "kvDtype", "hardware"}
    assert "Lower contextLength of 'm' from 32768 to" in " ".join(e.change for e in offered)


def test_two_models_beyond_memory_are_told_what_one_of_them_could_be(
    catalog: Catalog, formation: Make
) -> None:
    heavy = "Qwen/Qwen2.5-Coder-32B-Instruct"
    spec = formation(entry(heavy, "a", maxSequences=1), entry(heavy, "b", maxSequences=1))
    offered = remedies(spec, catalog)
    assert offered[0].kind == "model"
    assert "Instruct-AWQ" in offered[0].change


def test_where_no_single_change_is_enough_several_are_offered(
    catalog: Catalog, formation: Make
) -> None:
    heavy = "Qwen/Qwen2.5-Coder-14B-Instruct-AWQ"
    spec = formation(
        *(entry(heavy, f"m{i}", contextLength=32_768, maxSequences=24) for i in range(3))
    )
    kinds = [each.kind for each in remedies(spec, catalog)]
    assert kinds
    assert kinds[0] in ("context", "several", "kvDtype")


def test_a_shorter_context_still_holds_what_the_roles_need(
    catalog: Catalog, formation: Make
) -> None:
    big = entry("Qwen/Qwen2.5-Coder-32B-Instruct-AWQ", contextLength=32_768, maxSequences=64)
    for each in remedies(formation(big), catalog):
        assert all(model.context_length >= 2048 for model in each.spec.models)


def test_models_that_no_single_change_makes_fit_are_offered_smaller_together_or_on_more_gpus(
    catalog: Catalog, formation: Make
) -> None:
    large = ModelSpec(name="a", engine="vllm", model="Qwen/Qwen2.5-32B-Instruct")
    pair = formation(large, large.model_copy(update={"name": "b"}))
    smaller, more = remedies(pair, catalog)
    assert (smaller.kind, more.kind) == ("several", "hardware")
    assert "as 'a'" in smaller.change
    assert "as 'b'" in smaller.change
    assert more.spec.hardware.gpus == 4  # three do not divide the heads
    assert all(plan_spec(each.spec, catalog).fits for each in (smaller, more))


def test_every_reason_stands_beside_too_little_memory(catalog: Catalog, formation: Make) -> None:
    large = ModelSpec(name="a", engine="vllm", model="Qwen/Qwen2.5-32B-Instruct", max_sequences=64)
    wrong = ModelSpec(name="b", engine="vllm", model=large.model, kv_cache_dtype="turbo")
    found = plan_spec(formation(large, wrong), catalog)
    assert ["too much" in each for each in found.reasons] == [False, True]


def test_refused_models_keep_no_remedy_from_too_little_memory(
    catalog: Catalog, formation: Make
) -> None:
    long = entry("Qwen/Qwen2.5-7B-Instruct", "a", contextLength=100_000)
    wrong = entry("Qwen/Qwen2.5-32B-Instruct", "b", kvCacheDtype="turbo", maxSequences=64)
    large = entry("Qwen/Qwen2.5-32B-Instruct", "c", maxSequences=64)
    spec = formation(long, wrong, large)
    assert "too much" in plan_spec(spec, catalog).sentence
    offered = remedies(spec, catalog)
    assert offered
    for each in offered:
        assert each.change.endswith(", once 'a' and 'b' are mended as said above.")
        assert plan_spec(each.spec, catalog).fits


def test_a_model_without_figures_keeps_no_remedy_from_the_others(
    catalog: Catalog, formation: Make
) -> None:
    large = entry("Qwen/Qwen2.5-32B-Instruct", "a", contextLength=32_768, maxSequences=8)
    offered = remedies(formation(large, entry("me/mine", "b")), catalog)
    assert offered
    assert all(each.change.endswith(", where 'b' is not counted.") for each in offered)


def test_models_that_are_only_refused_need_no_remedy_for_memory(
    catalog: Catalog, formation: Make
) -> None:
    small = "Qwen/Qwen2.5-7B-Instruct"
    assert remedies(formation(entry(small, contextLength=100_000)), catalog) == ()
    assert remedies(formation(entry("me/mine")), catalog) == ()


def served_instead(model: str, catalog: Catalog, formation: Make) -> str:
    """What is offered for a model whose 16-bit weights alone are too large."""
    spec = formation(entry(model, maxSequences=1), profile="custom", memory_gib=58.0)
    (change,) = (each.change for each in remedies(spec, catalog) if each.kind == "model")
    return change


def test_another_model_is_first_the_same_in_fewer_bits(catalog: Catalog, formation: Make) -> None:
    change = served_instead("Qwen/Qwen2.5-32B-Instruct", catalog, formation)
    assert change.startswith("Serve Qwen/Qwen2.5-32B-Instruct-AWQ as")
    change = served_instead("Qwen/Qwen2.5-Coder-32B-Instruct", catalog, formation)
    assert change.startswith("Serve Qwen/Qwen2.5-Coder-32B-Instruct-AWQ as")


def test_another_model_is_never_a_larger_one(catalog: Catalog, formation: Make) -> None:
    for own in catalog.checkpoints:
        spec = formation(entry(own.model))
        for swap in lighter(spec, 0, catalog):
            shape = next(each.shape for each in catalog.checkpoints if each.model == swap.model)
            assert catalog.shape(shape).parameters <= catalog.shape(own.shape).parameters
