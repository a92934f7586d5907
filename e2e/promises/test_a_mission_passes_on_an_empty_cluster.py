"""Helm install, apply a formation, apply a mission, wait, and the artifact is where the status says."""

import base64
import json
import subprocess
from pathlib import Path

import pytest
from promises.kubectl import Namespace


@pytest.fixture(scope="module")
def passed(team: Namespace) -> Namespace:
    team.apply("manifests/missions/duration-library.yaml")
    team.wait("mission", "duration-library", "Succeeded", 240)
    return team


def test_the_status_tells_phase_tasks_scores_and_spending(passed: Namespace) -> None:
    status = passed.get("mission", "duration-library")["status"]
    assert status["phase"] == "done"
    assert status["tasks"]["done"] == status["tasks"]["total"] > 0
    assert status["spent"]["tokens"] > 0
    assert status["reserved"].get("tokens", 0) == 0
    assert "SIMULATED" in status["sitrep"]


def test_the_artifact_and_the_sitrep_are_where_the_status_says(
    passed: Namespace, tmp_path: Path
) -> None:
    artifact = passed.get("mission", "duration-library")["status"]["artifact"]
    kind, _, name = artifact["location"].partition("/")
    assert kind == "configmap"
    papers = passed.get("configmap", name)
    assert "SIMULATED" in papers["data"]["SITREP.md"]
    assert json.loads(papers["data"]["sitrep.json"])
    bundle = tmp_path / "artifact.bundle"
    bundle.write_bytes(base64.b64decode(papers["binaryData"]["artifact.bundle"]))
    subprocess.run(["git", "clone", "-q", str(bundle), str(tmp_path / "clone")], check=True)
    assert (tmp_path / "clone" / "durations").exists()


def test_the_hekaton_command_fetches_the_artifact_from_outside(
    passed: Namespace, tmp_path: Path
) -> None:
    passed.hekaton("artifact", "duration-library", "-o", str(tmp_path))
    assert (tmp_path / "SITREP.md").read_text()
    assert "duration-library" in passed.hekaton("missions")
    assert "done" in passed.hekaton("watch", "duration-library")
    assert passed.hekaton("logs", "duration-library")


def test_lists_and_descriptions_read_as_a_person_would_want(passed: Namespace) -> None:
    listed = passed.kubectl("get", "fm,ms")
    assert "READY" in listed
    assert "PHASE" in listed
    described = passed.kubectl("describe", "ms", "duration-library")
    assert "Succeeded" in described
    explained = passed.kubectl("explain", "formation.spec.models")
    assert "kvCacheDtype" in explained
    assert "<no description>" not in explained


def test_runtime_pods_have_no_access_to_the_kubernetes_api(passed: Namespace) -> None:
    pods = passed.listed("pods", "app.kubernetes.io/managed-by=hekaton-operator")
    assert pods
    assert {pod["spec"]["automountServiceAccountToken"] for pod in pods} == {False}
    names = {pod["spec"]["serviceAccountName"] for pod in pods}
    for name in names:
        account = f"system:serviceaccount:{passed.name}:{name}"
        granted = passed.kubectl("auth", "can-i", "--list", "--no-headers", f"--as={account}")
        resources = {line.split()[0] for line in granted.splitlines() if not line.startswith(" ")}
        assert resources <= {
            "selfsubjectreviews.authentication.k8s.io",
            "selfsubjectaccessreviews.authorization.k8s.io",
            "selfsubjectrulesreviews.authorization.k8s.io",
        }, granted
