"""The shipped facts, and formations built in a line."""

from collections.abc import Callable
from typing import Any

import pytest

from hekaton_api.formation import FormationSpec
from hekaton_api.hardware import Hardware
from hekaton_api.models import ModelSpec
from hekaton_api.roles import Role
from hekaton_api.vram.catalog import Catalog, shipped
from hekaton_api.vram.engine import Engine, engine


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return shipped()


@pytest.fixture(scope="session")
def served(catalog: Catalog) -> Callable[..., Engine]:
    """A model server that can be planned; keywords are fields of the model's entry."""

    def make(model: str, gpus: int = 1, **fields: Any) -> Engine:
        found = engine(ModelSpec(name="m", engine="vllm", model=model, **fields), catalog, gpus)
        assert isinstance(found, Engine), found
        return found

    return make


@pytest.fixture(scope="session")
def formation() -> Callable[..., FormationSpec]:
    """A formation of these models on one GPU, all roles on the first."""

    def make(*models: ModelSpec, profile: Any = "gh200-96", **hardware: Any) -> FormationSpec:
        role = Role(name="sapper", role="sapper", model=models[0].name, max_tokens=1024)
        machine = Hardware(profile=profile, **hardware)
        return FormationSpec(hardware=machine, models=models, roles=(role,))

    return make
