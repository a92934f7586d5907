"""What is made from other files equals what they make; kubeconform finds every field known."""

import subprocess
from pathlib import Path

import pytest
from chart import manifests, schemas
from chart.conftest import WAYS
from chart.helm import Helm
from chart.yamls import read
from cluster.native.binaries import built
from cluster.places import ROOT

FILES = (
    manifests.INSTALL,
    *sorted((ROOT / "manifests" / "simulated").glob("*.yaml")),
    *sorted((ROOT / "manifests" / "formations").glob("*.yaml")),
    *(path for path in sorted((ROOT / "manifests" / "missions").glob("*.yaml"))
      if not path.name.endswith(".book.yaml")),
)  # fmt: skip


def test_install_yaml_is_the_rendered_chart(helm: Helm) -> None:
    assert manifests.INSTALL.read_text() == manifests.install(helm), "run `make manifests`"


def test_the_overlay_dev_holds_what_it_was_made_from() -> None:
    made = manifests.overlay()
    assert {path: path.read_text() for path in made} == made, "run `make manifests`"


def test_the_rendered_crds_are_ours_and_stay_on_uninstall(helm: Helm) -> None:
    objects = helm.objects("crds.enabled=true")
    rendered = [each for each in objects if each["kind"] == "CustomResourceDefinition"]
    ours = [crd for path in sorted(manifests.CRDS.glob("*.yaml")) for crd in read(path.read_text())]
    assert [each["spec"] for each in rendered] == [each["spec"] for each in ours]
    assert all(
        each["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep" for each in rendered
    )


@pytest.fixture(scope="session")
def strictly(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The kubeconform command, with the schemas of this Kubernetes and of our kinds alone."""
    folder = tmp_path_factory.mktemp("schemas")
    schemas.write(folder)
    program = built(("kubeconform",)) / "kubeconform"
    return [str(program), "-strict", "-schema-location", f"{folder}/{schemas.LOCATION}"]


def faults(command: list[str], *files: Path, text: str | None = None) -> str:
    done = subprocess.run(
        [*command, *map(str, files)], input=text, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("way", WAYS)
def test_kubernetes_knows_every_field_of_the_chart(
    helm: Helm, strictly: list[str], way: str
) -> None:
    assert faults(strictly, text=helm.text(*WAYS[way])) == ""


def test_kubernetes_knows_every_field_of_the_manifests(strictly: list[str]) -> None:
    assert faults(strictly, *FILES) == ""


def test_a_misspelt_field_would_be_found(helm: Helm, strictly: list[str]) -> None:
    wrong = helm.text().replace("serviceAccountName:", "serviceAcountName:")
    assert "serviceAcountName" in faults(strictly, text=wrong)
