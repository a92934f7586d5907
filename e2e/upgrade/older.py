"""The chart as its previous version might have been: another number, and CRDs that know less."""

import shutil
from pathlib import Path

from chart.yamls import read, write
from cluster.places import ROOT

CHART = ROOT / "charts" / "hekaton"
VERSION = "0.0.9"
UNKNOWN = {"missions": "retries", "formations": "planning"}
"""A field of each kind that it did not have yet."""


def made(folder: Path) -> Path:
    """The older chart, in a folder of its own."""
    chart = folder / "hekaton"
    shutil.copytree(CHART, chart)
    about = chart / "Chart.yaml"
    [now] = read(about.read_text())
    about.write_text(
        about.read_text().replace(f"version: {now['version']}\n", f"version: {VERSION}\n", 1)
    )
    for plural, field in UNKNOWN.items():
        path = chart / "files" / "crds" / f"{plural}.yaml"
        [definition] = read(path.read_text())
        [version] = definition["spec"]["versions"]
        del version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"][field]
        path.write_text(write(definition))
    return chart
