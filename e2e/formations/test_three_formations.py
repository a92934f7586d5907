"""Three shipped formations on other models by an overlay, without a copy: Ready, and a mission each passes."""

import pytest
from promises.kubectl import ROOT, Namespace

pytestmark = pytest.mark.full

OVERLAY = ROOT / "manifests" / "overlays" / "simulated"
FORMATIONS = ("precision-strike", "pipeline", "red-blue-team")
MISSION = ROOT / "manifests" / "missions" / "duration-library.yaml"


def mission(formation: str) -> str:
    """The shipped mission, for another team."""
    text = MISSION.read_text()
    for line, new in (
        ("  name: duration-library\n", f"  name: on-{formation}\n"),
        ("  formation: simulated\n", f"  formation: {formation}\n"),
    ):
        assert line in text
        text = text.replace(line, new, 1)
    return text


@pytest.fixture(scope="module")
def teams(shared_space: Namespace) -> Namespace:
    """A namespace with the overlay applied as its comment says."""
    words = ("kustomize", "--load-restrictor", "LoadRestrictionsNone", str(OVERLAY))
    rendered = shared_space.cluster.kubectl(*words)
    shared_space.apply("manifests/simulated")
    shared_space.apply_text(rendered)
    return shared_space


@pytest.mark.parametrize("formation", FORMATIONS)
def test_it_is_ready(teams: Namespace, formation: str) -> None:
    teams.wait("formation", formation, "Ready", 600)
    status = teams.get("formation", formation)["status"]
    assert status["ready"] == 1
    assert teams.condition("formation", formation, "VRAMFits")["reason"] == "NoLocalModel"


@pytest.mark.parametrize("formation", FORMATIONS)
def test_a_mission_passes_on_it(teams: Namespace, formation: str) -> None:
    teams.wait("formation", formation, "Ready", 600)
    teams.apply_text(mission(formation))
    teams.wait("mission", f"on-{formation}", "Succeeded", 600)
    status = teams.get("mission", f"on-{formation}")["status"]
    assert status["spent"]["tokens"] > 0
    assert "SIMULATED" in status["sitrep"]
