"""`make sbom` names every pinned dependency at its version, with its licence, and nothing by chance."""

import json
import subprocess
from pathlib import Path

import pytest
from cluster.places import ROOT
from supply.bill import NAME, Incomplete, canonical, licences, pins, trimmed

pytestmark = pytest.mark.full

FOLDER = ROOT / "dist" / "sbom"


def part(name: str, version: str, **more: object) -> dict[str, object]:
    return {"bom-ref": f"{name}=={version}", "name": name, "version": version, **more}


BILL = {
    "components": [part("Kopf", "1.45.2"), part("aiohttp", "3.14.5"), part("toy", "1"), part("deep", "2")],
    "dependencies": [
        {"ref": "Kopf==1.45.2", "dependsOn": ["aiohttp==3.14.5"]},
        {"ref": "aiohttp==3.14.5", "dependsOn": ["deep==2"]},
    ],
}  # fmt: skip


def test_what_nobody_pinned_is_left_out_unless_something_pinned_needs_it() -> None:
    found = trimmed(BILL, {"kopf": "1.45.2", "aiohttp": "3.14.5"})
    assert {each["name"] for each in found["components"]} == {"Kopf", "aiohttp", "deep"}


def test_all_that_is_missing_or_other_is_told_at_once() -> None:
    with pytest.raises(Incomplete) as caught:
        trimmed(BILL, {"kopf": "1.45.1", "gone": "1"})
    said = " ".join(caught.value.reasons)
    assert "kopf is pinned at '1.45.1' and installed at '1.45.2'" in said
    assert "gone==1 is pinned and not installed" in said


def test_a_licence_is_an_expression_an_id_or_a_name() -> None:
    parts = [
        part("a", "1", licenses=[{"expression": "MIT OR Apache-2.0"}]),
        part("b", "1", licenses=[{"license": {"id": "MIT"}}]),
        part("c", "1"),
    ]
    said = licences({"components": parts})
    assert "| a | 1 | MIT OR Apache-2.0 |" in said
    assert "| b | 1 | MIT |" in said
    assert "| c | 1 | not stated in its metadata |" in said


@pytest.fixture(scope="module")
def made() -> Path:
    said = subprocess.run(
        ["make", "--no-print-directory", "sbom"], cwd=ROOT, capture_output=True, text=True, check=False
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    return FOLDER


def test_the_bill_names_every_pin_at_its_version(made: Path) -> None:
    bill = json.loads((made / NAME).read_text())
    assert bill["bomFormat"] == "CycloneDX"
    found = {
        canonical(each["name"]): each["version"].partition("+")[0] for each in bill["components"]
    }
    wanted = pins((ROOT / "constraints.txt").read_text())
    assert len(wanted) > 100
    assert {name: found.get(name) for name in wanted} == wanted


def test_the_bill_names_no_machine_and_no_index(made: Path) -> None:
    text = (made / NAME).read_text() + (made / "licences.md").read_text()
    assert str(ROOT) not in text
    assert "/simple/" not in text
