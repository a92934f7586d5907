"""What lies between a mission and the formations that are there."""

from collections.abc import Callable
from typing import Any

import pytest

from hekaton_api.formation import Formation
from hekaton_api.load import check
from hekaton_api.mission import Mission
from hekaton_api.team import members, model_of


def test_a_mission_fits_its_formation(
    mission_text: str, formation_text: str, only: Callable[..., Any]
) -> None:
    formations = (only(formation_text, Formation),)
    assert check(only(mission_text, Mission), formations) == ()


def test_an_unknown_formation_brings_the_near_one(
    mission_text: str, formation_text: str, only: Callable[..., Any]
) -> None:
    mission = only(mission_text.replace("formation: team", "formation: teem"), Mission)
    (found,) = check(mission, (only(formation_text, Formation),))
    assert str(found) == (
        "spec.formation: 'teem' is not a formation that is there. "
        "Did you mean 'team'? Formations in namespace default: team."
    )


def test_a_formation_of_another_namespace_is_not_there(
    mission_text: str, formation_text: str, only: Callable[..., Any]
) -> None:
    formation = only(
        formation_text.replace("name: team", "name: team\n  namespace: far"), Formation
    )
    (found,) = check(only(mission_text, Mission), (formation,))
    assert found.field == "spec.formation"


@pytest.mark.parametrize(
    ("mode", "role", "words"),
    [
        ("swarm", "auditor", "needs the role auditor"),
        ("hierarchical", "", "needs the role analyst"),
        ("debate", "researcher", "needs the role researcher or reasoner or architect"),
    ],
)
def test_a_mode_names_the_roles_that_it_lacks(
    mission_text: str,
    formation_text: str,
    only: Callable[..., Any],
    mode: str,
    role: str,
    words: str,
) -> None:
    text = mission_text.replace("formation: team", f"formation: team\n  mode: {mode}")
    formation = (
        formation_text.replace(f"role: {role},", "role: executor,") if role else formation_text
    )
    (found,) = check(only(text, Mission), (only(formation, Formation),))
    assert found.field == "spec.mode"
    assert words in found.problem
    assert "Add one" in found.remedy


@pytest.mark.parametrize("mode", ["single", "vote", "flat", "auto"])
def test_plain_modes_need_a_builder_alone(
    mission_text: str, formation_text: str, only: Callable[..., Any], mode: str
) -> None:
    text = mission_text.replace("formation: team", f"formation: team\n  mode: {mode}")
    formation = formation_text.replace("role: auditor", "role: executor")
    assert check(only(text, Mission), (only(formation, Formation),)) == ()


def test_a_role_finds_its_model(formation_text: str, only: Callable[..., Any]) -> None:
    spec = only(formation_text.replace("role: sapper, model: big", "role: sapper"), Formation).spec
    (researcher,), (sapper,) = members(spec, "researcher"), members(spec, "sapper")
    found = model_of(spec, researcher)
    assert found is not None
    assert found.sent_name == "big"
    assert model_of(spec, sapper) is None
