"""The overlays for GitOps are whole: kustomize renders them, and Kubernetes knows every field."""

import subprocess

import pytest
from chart.test_manifests import faults, strictly
from chart.yamls import Object, read, write
from cluster.native.binaries import built
from cluster.places import ROOT
from cluster.shell import run

GITOPS = ROOT / "manifests" / "gitops"
OVERLAYS = ("dev", "gh200")
HEKATON = ROOT / ".venv" / "bin" / "hekaton"
__all__ = ["strictly"]


def rendered(overlay: str) -> str:
    kubectl = built(("kubectl",)) / "kubectl"
    return run([kubectl, "kustomize", GITOPS / "overlays" / overlay])


def of(kind: str, objects: list[Object]) -> list[Object]:
    return [each for each in objects if each["kind"] == kind]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_kubernetes_knows_every_field_of_an_overlay(strictly: list[str], overlay: str) -> None:
    assert faults(strictly, text=rendered(overlay)) == ""


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_namespace_of_an_overlay_enforces_pod_security(overlay: str) -> None:
    [namespace] = of("Namespace", read(rendered(overlay)))
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_has_the_team_of_the_base(overlay: str) -> None:
    [base] = read((GITOPS / "base" / "formation.yaml").read_text())
    [formation] = of("Formation", read(rendered(overlay)))
    assert formation["spec"]["roles"] == base["spec"]["roles"]
    assert [each["name"] for each in formation["spec"]["models"]] == ["strong", "fast"]


def test_the_models_of_gh200_fit_its_memory() -> None:
    [formation] = of("Formation", read(rendered("gh200")))
    text = write(formation)
    done = subprocess.run(
        [HEKATON, "plan", "/dev/stdin"], input=text, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "builders: fits" in done.stdout


def test_the_mission_of_dev_works_with_the_team_of_dev() -> None:
    [mission] = of("Mission", read(rendered("dev")))
    assert mission["spec"]["formation"] == "builders"
