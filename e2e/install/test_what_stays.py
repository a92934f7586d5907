"""Upgrades and uninstalls lose nothing: password, CRDs and the objects of people stay."""

import shutil
from pathlib import Path

from install.conftest import CHART, Release

FORMATION = CHART.parents[1] / "manifests" / "formations" / "simulated-cluster.yaml"


def test_the_password_is_the_same_after_an_upgrade(release: Release) -> None:
    release.install()
    before = release.password()
    release.helm("upgrade", "--set", "operator.replicas=3")
    assert before
    assert release.password() == before


def test_formations_and_the_password_outlive_an_uninstall(release: Release) -> None:
    release.install()
    release.cluster.kubectl("apply", "-f", str(FORMATION))
    before = release.password()
    assert "were kept" in release.uninstall()
    assert "simulated" in release.cluster.kubectl("get", "fm")
    release.install()
    assert release.password() == before
    release.cluster.kubectl("delete", "-f", str(FORMATION))


def test_an_upgrade_brings_the_crds_of_its_version(release: Release, tmp_path: Path) -> None:
    older = tmp_path / "hekaton"
    shutil.copytree(CHART, older)
    crd = older / "files" / "crds" / "missions.yaml"
    crd.write_text(crd.read_text().replace("- ms\n", "- mission-as-it-was\n"))
    release.install(chart=older)
    names = ("get", "crd", "missions.hekaton.dev", "-o", "jsonpath={.spec.names.shortNames}")
    assert release.cluster.kubectl(*names) == '["mission-as-it-was"]'
    release.helm("upgrade")
    assert release.cluster.kubectl(*names) == '["ms"]'
