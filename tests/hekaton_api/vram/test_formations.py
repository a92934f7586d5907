"""The shipped formations are what the published table says, and a new one needs no code."""

from pathlib import Path

import pytest

from hekaton_api.formation import Formation
from hekaton_api.load import load
from hekaton_api.vram.catalog import Catalog
from hekaton_api.vram.facts import Published, published
from hekaton_api.vram.plan import Plan, plan
from hekaton_api.vram.sizes import GB

FOLDER = Path(__file__).resolve().parents[3] / "manifests" / "formations"
ROWS = {row.formation: row for row in published()}
FAMILIES = ("Qwen2.5", "eepseek-coder", "eepSeek-Coder", "hi-4")


def read(path: Path) -> Formation:
    (formation,) = load(path)
    assert isinstance(formation, Formation)
    return formation


@pytest.fixture
def planned(catalog: Catalog, row: Published) -> Plan:
    return plan(read(FOLDER / f"{row.formation}.yaml"), catalog)


def test_there_are_eleven() -> None:
    assert len(ROWS) == 11


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_planned_memory_is_within_five_percent_of_the_published_figure(
    planned: Plan, row: Published
) -> None:
    assert planned.fits, planned.sentence
    assert planned.used / (row.memory_gb * GB) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_the_published_context_is_reached_by_every_model(planned: Plan, row: Published) -> None:
    assert planned.context == row.context
    assert all(reach.context >= row.context for reach in planned.roles)


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_models_are_as_many_as_published_and_of_the_named_families(
    planned: Plan, row: Published
) -> None:
    assert (len(planned.models), len(planned.remote)) == (row.local, row.api)
    names = [each.engine.spec.model or "" for each in planned.models]
    assert [name for name in names if not any(family in name for family in FAMILIES)] == []


@pytest.mark.parametrize("name", ["heavy-hitter-tq", "heavy-hitter"])
def test_four_roles_of_the_full_team_are_on_gemini(name: str) -> None:
    spec = read(FOLDER / f"{name}.yaml").spec
    api = {model.name: model.api_model or "" for model in spec.models if model.engine == "api"}
    far = {role.role for role in spec.roles if role.model in api}
    assert far == {"researcher", "reasoner", "worker", "executor"}
    assert all(model.startswith("gemini/") for model in api.values())


def test_the_recommended_formation_builds_with_32_billion_parameters_and_packed_values() -> None:
    spec = read(FOLDER / "heavy-hitter-tq.yaml").spec
    (builder,) = (role for role in spec.roles if role.name == "sapper-1")
    (model,) = (model for model in spec.models if model.name == builder.model)
    assert "32B" in (model.model or "")
    assert (model.kv_cache_dtype, model.context_length) == ("tq5x", 32_768)


@pytest.mark.parametrize("tq", ["heavy-hitter-tq", "precision-swarm-tq"])
def test_packing_gives_more_context_in_less_memory_to_the_same_models(
    catalog: Catalog, tq: str
) -> None:
    packed = plan(read(FOLDER / f"{tq}.yaml"), catalog)
    plain = plan(read(FOLDER / f"{tq.removesuffix('-tq')}.yaml"), catalog)
    assert [one.engine.spec.model for one in packed.models] == [
        one.engine.spec.model for one in plain.models
    ]
    assert packed.context > 2 * plain.context
    assert packed.used < plain.used
    assert packed.freed > 0


def test_a_model_on_the_cpu_fits_a_laptop(catalog: Catalog) -> None:
    found = plan(read(FOLDER / "local-cpu.yaml"), catalog)
    assert found.fits
    assert found.gpus == 0


def test_a_twelfth_formation_is_one_file_and_no_code(catalog: Catalog, tmp_path: Path) -> None:
    path = tmp_path / "night-shift.yaml"
    path.write_text(
        """\
apiVersion: hekaton.dev/v1alpha1
kind: Formation
metadata:
  name: night-shift
spec:
  hardware: {profile: gh200-96}
  models:
    - name: coder
      engine: vllm
      model: Qwen/Qwen2.5-Coder-32B-Instruct-AWQ
      contextLength: 16384
      maxSequences: 4
      kvCacheDtype: fp8
  roles:
    - {name: sapper, role: sapper, tier: large, model: coder}
    - {name: auditor, role: auditor, tier: large, model: coder}
"""
    )
    found = plan(read(path), catalog)
    assert found.fits
    assert found.context == 16_384
