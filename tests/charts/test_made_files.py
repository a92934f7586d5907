"""Files made from other files still equal them; without Helm, which `make chart` uses for the rest."""

import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

import hekaton_api.version

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "charts" / "hekaton"
MANIFESTS = ROOT / "manifests"
VERSION = hekaton_api.version.__version__
OURS = re.compile(r"hekaton/(?:operator|runtime|engines):([0-9.]+)")


def test_the_chart_carries_the_crds_as_they_are() -> None:
    ours = {path.name: path.read_text() for path in (ROOT / "crds").glob("*.yaml")}
    copies = {path.name: path.read_text() for path in (CHART / "files" / "crds").glob("*.yaml")}
    assert copies == ours, "run `make manifests`"


def test_the_simulated_models_know_the_book_of_the_mission() -> None:
    books = YAML(typ="safe", pure=True).load((MANIFESTS / "simulated" / "books.yaml").read_text())
    book = (MANIFESTS / "missions" / "duration-library.book.yaml").read_text()
    assert books["data"] == {"duration-library.yaml": book}, "run `make manifests`"


def test_the_simulated_team_is_the_same_in_a_cluster_but_for_its_endpoint() -> None:
    yaml = YAML(typ="safe", pure=True)
    here = yaml.load((MANIFESTS / "formations" / "simulated.yaml").read_text())
    there = yaml.load((MANIFESTS / "formations" / "simulated-cluster.yaml").read_text())
    for model in there["spec"]["models"]:
        assert model["endpoint"] == "http://simulated-models:8000/v1"
    for model, other in zip(there["spec"]["models"], here["spec"]["models"], strict=True):
        model["endpoint"] = other["endpoint"]
    assert there == here


def test_the_chart_has_the_version_of_the_code() -> None:
    chart = YAML(typ="safe", pure=True).load((CHART / "Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (VERSION, VERSION)


@pytest.mark.parametrize("name", ["install.yaml", "simulated/models.yaml"])
def test_manifests_name_the_images_of_this_version(name: str) -> None:
    assert set(OURS.findall((MANIFESTS / name).read_text())) == {VERSION}
