"""Plans are exact sums, fits are exact, and nothing that cannot be served is planned."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hekaton_api.formation import FormationSpec
from hekaton_api.models import ModelSpec
from hekaton_api.vram.catalog import Catalog, shipped
from hekaton_api.vram.engine import Engine, Refusal, batched, engine
from hekaton_api.vram.flags import command
from hekaton_api.vram.plan import plan_spec
from hekaton_api.vram.reported import vram_plan
from hekaton_api.vram.sizes import GIB
from hekaton_api.vram.weights import parameters

Make = Callable[..., FormationSpec]
LITE = "deepseek-ai/DeepSeek-Coder-V2-Lite-Instruct"
SEVEN = "Qwen/Qwen2.5-Coder-7B-Instruct-AWQ"
FOURTEEN = "Qwen/Qwen2.5-Coder-14B-Instruct-AWQ"


def entry(name: str = "m", model: str = SEVEN, **fields: Any) -> ModelSpec:
    return ModelSpec.model_validate({"name": name, "engine": "vllm", "model": model, **fields})


def test_totals_are_the_sums_of_their_parts(catalog: Catalog, formation: Make) -> None:
    found = plan_spec(formation(entry("a"), entry("b", FOURTEEN)), catalog)
    parts = [
        one.engine.weights + one.engine.kv + one.engine.activations + one.engine.overhead
        for one in found.models
    ]
    assert found.used == sum(parts)
    assert found.free == found.capacity - found.reserve - found.used
    assert found.fits


@given(
    context=st.integers(1024, 32_000),
    sequences=st.integers(1, 64),
    kv=st.sampled_from([each.name for each in shipped().dtypes]),
)
def test_more_context_or_sequences_never_take_less(context: int, sequences: int, kv: str) -> None:
    catalog = shipped()

    def total(context: int, sequences: int) -> int:
        spec = entry(context_length=context, max_sequences=sequences, kv_cache_dtype=kv)
        found = engine(spec, catalog, 1)
        assert isinstance(found, Engine)
        return found.total

    assert total(context, sequences) <= total(context + 64, sequences)
    assert total(context, sequences) < total(context, sequences + 1)


@given(room=st.integers(8, 90), sequences=st.integers(1, 8))
def test_the_context_that_could_be_reached_fits_and_the_next_block_does_not(
    room: int, sequences: int
) -> None:
    catalog = shipped()
    model = entry(model=FOURTEEN, context_length=1024, max_sequences=sequences)

    def planned(context: int) -> tuple[bool, int]:
        changed = model.model_copy(update={"context_length": context})
        spec = FormationSpec.model_validate(
            {
                "hardware": {"profile": "custom", "memoryGiB": float(room), "reserveGiB": 0.0},
                "models": [changed.model_dump(by_alias=True)],
                "roles": [{"name": "s", "role": "sapper", "model": "m", "maxTokens": 1}],
            },
            context=frozenset({FormationSpec}),
        )
        found = plan_spec(spec, catalog)
        return found.free >= 0, found.models[0].possible

    possible = planned(1024)[1]
    if possible >= 1024:
        assert planned(possible)[0]
        assert possible == 32_768 or not planned(possible + 16)[0]
    else:
        assert not planned(1024)[0]


def test_a_formation_that_does_not_fit_says_what_is_left_for_each(
    catalog: Catalog, formation: Make
) -> None:
    tight = formation(entry(context_length=32_768, max_sequences=16), profile="custom", memory_gib=16.0)  # fmt: skip
    found = plan_spec(tight, catalog)
    assert not found.fits
    assert 0 < found.models[0].reached < 32_768
    assert "too much" in found.sentence


def test_two_gpus_halve_the_weights_of_each_and_keep_the_sum(
    served: Callable[..., Engine],
) -> None:
    one, two = served(FOURTEEN), served(FOURTEEN, gpus=2)
    assert two.weights == -(-one.weights // 2)
    assert two.kv * 2 == one.kv
    assert "--tensor-parallel-size" in command(two)


def test_stated_weights_replace_the_computed_ones(served: Callable[..., Engine]) -> None:
    assert served(SEVEN, weights_gib=3.0).weights == 3 * GIB


@pytest.mark.parametrize(
    ("model", "fields", "field", "remedy"),
    [
        (SEVEN, {"contextLength": 65_536}, "contextLength", "Give at most 32768"),
        (SEVEN, {"kvCacheDtype": "turboquant_5bit"}, "kvCacheDtype", "Did you mean"),
        (LITE, {"kvCacheDtype": "tq5x"}, "kvCacheDtype", "Use 'fp8'"),
        (LITE, {"quantization": "awq"}, "quantization", "or use fp8"),
        (SEVEN, {"quantization": "gptq"}, "quantization", "Use 'awq'"),
        ("Qwen/Qwen2.5-Coder-7B-Instruct-AWK", {}, "model", "Did you mean"),
    ],
    ids=["context", "unknown-dtype", "mla", "format-made", "format-other", "unknown-model"],
)
def test_what_cannot_be_served_is_refused_with_the_nearest_remedy(
    catalog: Catalog, model: str, fields: dict[str, Any], field: str, remedy: str
) -> None:
    found = engine(entry(model=model, **fields), catalog, 1)
    assert isinstance(found, tuple)
    assert [each.field for each in found] == [field]
    assert remedy in found[0].remedy


def test_all_reasons_are_given_at_once(catalog: Catalog) -> None:
    wrong = entry(model=LITE, contextLength=200_000, kvCacheDtype="tq5x", quantization="gptq")
    found = engine(wrong, catalog, 1)
    assert isinstance(found, tuple)
    assert {each.field for each in found} == {"contextLength", "kvCacheDtype", "quantization"}


def test_vllms_presets_are_refused_without_a_gpu(catalog: Catalog) -> None:
    found = engine(entry(kvCacheDtype="turboquant_3bit_nc"), catalog, 0)
    assert isinstance(found, tuple)
    assert "past the end" in found[0].reason


def test_sglang_does_not_know_packed_dtypes(catalog: Catalog) -> None:
    spec = ModelSpec(name="m", engine="sglang", model=SEVEN, kv_cache_dtype="tq5x")
    assert isinstance(engine(spec, catalog, 1), tuple)


def test_kv_heads_that_gpus_cannot_share_are_refused(catalog: Catalog) -> None:
    found = engine(entry(), catalog, 3)
    assert isinstance(found, tuple)
    assert found[0] == Refusal("m", "model", "4 KV heads cannot be shared by 3 GPUs", "Use a number of GPUs that divides 4.")  # fmt: skip


def test_a_machine_of_unknown_memory_is_refused(catalog: Catalog, formation: Make) -> None:
    found = plan_spec(formation(entry(), profile="cpu"), catalog)
    assert [each.field for each in found.refusals] == ["hardware"]


def test_models_that_run_elsewhere_take_nothing(catalog: Catalog, formation: Make) -> None:
    far = ModelSpec(name="far", engine="api", api_model="gemini/gemini-2.5-pro")
    found = plan_spec(formation(far), catalog)
    assert (found.used, found.fits, found.remote) == (0, True, ("far",))


def test_the_command_line_carries_the_exact_figures(served: Callable[..., Engine]) -> None:
    one = served(SEVEN, context_length=8192, max_sequences=4, kv_cache_dtype="tq5x")
    words = command(one)
    assert words[words.index("--kv-cache-memory-bytes") + 1] == str(one.kv)
    assert words[words.index("--kv-cache-dtype") + 1] == "tq5x"
    assert "--quantization" not in words


def test_a_format_that_the_engine_makes_is_asked_for(served: Callable[..., Engine]) -> None:
    made = served("Qwen/Qwen2.5-Coder-7B-Instruct", quantization="fp8")
    words = command(made)
    assert words[words.index("--quantization") + 1] == "fp8"
    assert made.weights < served("Qwen/Qwen2.5-Coder-7B-Instruct").weights


@pytest.mark.parametrize(
    "more", [("--max-num-batched-tokens=8192",), ("--max-num-batched-tokens", "8192")]
)
def test_a_users_batch_size_counts_and_is_not_given_twice(
    served: Callable[..., Engine], more: tuple[str, ...]
) -> None:
    large = served(SEVEN, extra_args=more)
    assert batched(large.spec) == 8192
    assert large.activations > served(SEVEN).activations
    assert " ".join(command(large)).count("--max-num-batched-tokens") == 1


def test_each_server_asks_for_its_own_share_of_the_gpu_alone(
    catalog: Catalog, formation: Make
) -> None:
    two = (entry(name="first"), entry(name="second"))
    found = plan_spec(formation(*two), catalog)
    shares = []
    for each in found.models:
        words = command(each.engine)
        shares.append(float(words[words.index("--gpu-memory-utilization") + 1]))
        assert shares[-1] * each.engine.memory <= each.engine.total
    assert sum(shares) < 1
    own = entry(extra_args=("--gpu-memory-utilization=0.5",))
    (only,) = plan_spec(formation(own), catalog).models
    assert " ".join(command(only.engine)).count("--gpu-memory-utilization") == 1


def test_without_a_gpu_no_share_is_asked_for(served: Callable[..., Engine]) -> None:
    assert "--gpu-memory-utilization" not in command(served(SEVEN))


@pytest.mark.parametrize(("asked", "left"), [("2", 2.0), ("0.5", 0.5), ("x", 0.0)])
def test_weights_in_the_cpu_s_memory_take_none_of_the_gpu_s(
    served: Callable[..., Engine], asked: str, left: float
) -> None:
    one = served(SEVEN, extra_args=(f"--cpu-offload-gb={asked}",))
    assert served(SEVEN).weights - one.weights == int(left * 2**30)


def test_embedding_and_head_stay_on_the_gpu_however_much_is_to_be_offloaded(
    served: Callable[..., Engine],
) -> None:
    one = served(SEVEN, extra_args=("--cpu-offload-gb", "400"))
    assert one.weights == 2 * parameters(one.shape).plain
    assert "--cpu-offload-gb" in command(one)


def test_eager_engines_have_no_graphs(served: Callable[..., Engine]) -> None:
    assert served(SEVEN, extra_args=("--enforce-eager",)).overhead < served(SEVEN).overhead


def test_sglang_gets_its_pool_in_tokens(catalog: Catalog) -> None:
    spec = ModelSpec(name="m", engine="sglang", model=SEVEN, context_length=4096, max_sequences=3)
    found = engine(spec, catalog, 1)
    assert isinstance(found, Engine)
    words = command(found)
    assert words[words.index("--max-total-tokens") + 1] == str(3 * 4096)


def test_the_status_shows_the_plan_in_gib(catalog: Catalog, formation: Make) -> None:
    found = plan_spec(formation(entry(kv_cache_dtype="tq5x")), catalog)
    status = vram_plan(found)
    assert status.total_gib == pytest.approx(found.capacity / GIB, abs=0.001)
    assert status.models[0].context_reached == 8192
    assert status.freed_by_turboquant_gib > 0


CONFIG = """{"model_type": "qwen2", "hidden_size": 256, "num_hidden_layers": 4, "intermediate_size": 512,
 "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 4096, "max_position_embeddings": 16384}"""


def test_a_model_nobody_knows_is_planned_by_the_configuration_in_its_entry(
    catalog: Catalog,
) -> None:
    found = engine(entry(model="/models/mine", config=CONFIG), catalog, 1)
    assert isinstance(found, Engine)
    assert (found.shape.layers, found.shape.kv_heads) == (4, 2)


def test_a_configuration_that_cannot_be_read_is_refused_with_every_reason(
    catalog: Catalog,
) -> None:
    found = engine(entry(model="/models/mine", config='{"vocab_size": 4096}'), catalog, 1)
    assert isinstance(found, tuple)
    assert [one.field for one in found] == ["config"] * len(found)
    assert "'hidden_size' is missing" in " ".join(map(str, found))
    assert "Paste the model's whole config.json." in str(found[0])


def test_an_unknown_model_is_told_where_its_configuration_goes(catalog: Catalog) -> None:
    found = engine(entry(model="/models/mine"), catalog, 1)
    assert isinstance(found, tuple)
    assert "Paste its config.json into the entry's field config" in str(found[0])
